package interop;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import interop.Connections.Connection;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.hyperledger.fabric.client.Proposal;
import org.hyperledger.fabric.client.Signable;

/** Signing elsewhere: bytes and digests go out, bytes and signatures come back, maybe in another process. */
final class Signing {
    static final Map<String, Main.Operation> OPERATIONS = Map.of(
            "newProposal", Signing::newProposal,
            "evaluateProposal", Signing::evaluateProposal,
            "endorseProposal", Signing::endorseProposal,
            "submitSigned", Signing::submitSigned,
            "commitStatus", Signing::commitStatus);

    private Signing() {}

    static JsonObject signable(Signable one) {
        var told = new JsonObject();
        told.add("bytes", Request.hex(one.getBytes()));
        told.add("digest", Request.hex(one.getDigest()));
        return told;
    }

    /** What the request's bytes are, with its signature when it has one. */
    static <T> T rebuilt(Request request, Function<byte[], T> unsigned, BiFunction<byte[], byte[], T> signed) {
        return request.has("signature")
                ? signed.apply(request.bytes("bytes"), request.bytes("signature"))
                : unsigned.apply(request.bytes("bytes"));
    }

    private static JsonElement newProposal(Connection connection, Request request) {
        var proposal = Transactions.proposalOf(connection, request);
        var told = signable(proposal);
        told.addProperty("transactionId", proposal.getTransactionId());
        return told;
    }

    private static Proposal proposal(Connection connection, Request request) {
        return rebuilt(request, connection.gateway()::newProposal, connection.gateway()::newSignedProposal);
    }

    private static JsonElement evaluateProposal(Connection connection, Request request) throws Exception {
        return Request.text(proposal(connection, request).evaluate());
    }

    private static JsonElement endorseProposal(Connection connection, Request request) throws Exception {
        var transaction = proposal(connection, request).endorse();
        var told = signable(transaction);
        told.addProperty("transactionId", transaction.getTransactionId());
        told.add("result", Request.text(transaction.getResult()));
        return told;
    }

    private static JsonElement submitSigned(Connection connection, Request request) throws Exception {
        var gateway = connection.gateway();
        var commit = rebuilt(request, gateway::newTransaction, gateway::newSignedTransaction).submitAsync();
        var told = signable(commit);
        told.addProperty("transactionId", commit.getTransactionId());
        told.add("result", Request.text(commit.getResult()));
        return told;
    }

    private static JsonElement commitStatus(Connection connection, Request request) throws Exception {
        var gateway = connection.gateway();
        return Transactions.statusOf(
                rebuilt(request, gateway::newCommit, gateway::newSignedCommit).getStatus());
    }
}
