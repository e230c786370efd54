package interop;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.grpc.CallOptions;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.TlsChannelCredentials;
import java.io.File;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.security.Signature;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.hyperledger.fabric.client.Gateway;
import org.hyperledger.fabric.client.Hash;
import org.hyperledger.fabric.client.Network;
import org.hyperledger.fabric.client.identity.Identities;
import org.hyperledger.fabric.client.identity.Signer;
import org.hyperledger.fabric.client.identity.Signers;
import org.hyperledger.fabric.client.identity.X509Identity;

/**
 * Gateways by who acts and how: {organisation, user, certificate, key, hash, url, tlsCertificate, tlsHash, seconds,
 * offline}.
 */
final class Connections implements AutoCloseable {
    /** A gateway and the profile's channel. */
    record Connection(Gateway gateway, Network network) {}

    private final Path folder;
    private final Map<JsonObject, Connection> gateways = new HashMap<>();
    private final List<ManagedChannel> channels = new ArrayList<>();

    Connections(Path folder) {
        this.folder = folder;
    }

    Connection get(JsonObject as) throws Exception {
        if (!gateways.containsKey(as)) {
            gateways.put(as, open(new Request(as)));
        }
        return gateways.get(as);
    }

    private Connection open(Request as) throws Exception {
        var path = folder.resolve(as.text("organisation") + ".json");
        var profile = JsonParser.parseString(Files.readString(path)).getAsJsonObject();
        var organisation = profile.getAsJsonObject("organizations").getAsJsonObject(as.text("organisation"));
        var user = organisation.getAsJsonObject("users").getAsJsonObject(as.text("user"));
        var peerName = organisation.getAsJsonArray("peers").get(0).getAsString();
        var peer = profile.getAsJsonObject("peers").getAsJsonObject(peerName);
        var url = URI.create(peer.get(as.has("url") ? as.text("url") : "url").getAsString());

        var credentials = TlsChannelCredentials.newBuilder()
                .trustManager(new File(peer.getAsJsonObject("tlsCACerts").get("path").getAsString()));
        var builder = Gateway.newInstance();
        if (as.has("tlsCertificate")) {
            var tls = user.getAsJsonObject("tls");
            var certificate = new File(tls.get("cert").getAsString());
            credentials.keyManager(certificate, new File(tls.get("private_key").getAsString()));
            var shown = Identities.readX509Certificate(Files.readString(certificate.toPath()));
            builder.tlsClientCertificateHash(
                    as.has("tlsHash") ? as.bytes("tlsHash") : Hash.SHA256.apply(shown.getEncoded()));
        }
        var channel = Grpc.newChannelBuilder(url.getAuthority(), credentials.build())
                .overrideAuthority(
                        peer.getAsJsonObject("grpcOptions").get("ssl-target-name-override").getAsString())
                .build();
        channels.add(channel);

        var certificate = as.has("certificate") ? as.text("certificate") : user.get("cert").getAsString();
        var key = as.has("key") ? as.text("key") : user.get("private_key").getAsString();
        builder.connection(channel)
                .identity(new X509Identity(
                        organisation.get("mspid").getAsString(),
                        Identities.readX509Certificate(Files.readString(Path.of(certificate)))))
                .hash(Hash.valueOf((as.has("hash") ? as.text("hash") : "sha256").toUpperCase(Locale.ROOT)));
        if (!as.has("offline")) {
            builder.signer(signerOf(Identities.readPrivateKey(Files.readString(Path.of(key)))));
        }
        if (as.has("seconds")) {
            builder.evaluateOptions(within(as.seconds()))
                    .endorseOptions(within(as.seconds()))
                    .submitOptions(within(as.seconds()))
                    .commitStatusOptions(within(as.seconds()));
        }
        var gateway = builder.connect();
        return new Connection(gateway, gateway.getNetwork(profile.get("channel").getAsString()));
    }

    /** The client's own signer, which knows keys on elliptic curves only, or one made here. */
    private static Signer signerOf(PrivateKey key) {
        if (!key.getAlgorithm().equals("EdDSA")) {
            return Signers.newPrivateKeySigner(key);
        }
        return message -> {
            var signature = Signature.getInstance("Ed25519");
            signature.initSign(key);
            signature.update(message);
            return signature.sign();
        };
    }

    static UnaryOperator<CallOptions> within(double seconds) {
        return options -> options.withDeadlineAfter((long) (seconds * 1_000_000), TimeUnit.MICROSECONDS);
    }

    @Override
    public void close() {
        gateways.values().forEach(connection -> connection.gateway().close());
        channels.forEach(ManagedChannel::shutdownNow);
    }
}
