package interop;

import java.net.InetSocketAddress;
import java.net.URI;
import org.hyperledger.fabric.contract.ContractRouter;
import org.hyperledger.fabric.shim.ChaincodeServerProperties;
import org.hyperledger.fabric.shim.NettyChaincodeServer;

/** Serves the contract as the environment says: CHAINCODE_ID, CHAINCODE_SERVER_ADDRESS, and files for TLS. */
public final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        var environment = System.getenv();
        var address = URI.create("tcp://" + environment.get("CHAINCODE_SERVER_ADDRESS"));
        var properties = new ChaincodeServerProperties();
        properties.setServerAddress(new InetSocketAddress(address.getHost(), address.getPort()));
        if (environment.containsKey("CHAINCODE_TLS_KEY")) {
            properties.setTlsEnabled(true);
            properties.setKeyFile(environment.get("CHAINCODE_TLS_KEY"));
            properties.setKeyCertChainFile(environment.get("CHAINCODE_TLS_CERT"));
            properties.setTrustCertCollectionFile(environment.get("CHAINCODE_CLIENT_CA_CERT"));
        }
        var router = new ContractRouter(new String[] {"-i", environment.get("CHAINCODE_ID")});
        router.startRouterWithChaincodeServer(new NettyChaincodeServer(router, properties));
    }
}
