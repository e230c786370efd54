package interop;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.grpc.Status;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.hyperledger.fabric.client.CommitException;
import org.hyperledger.fabric.client.GatewayException;
import org.hyperledger.fabric.client.GatewayRuntimeException;
import org.hyperledger.fabric.client.TransactionException;
import org.hyperledger.fabric.protos.gateway.ErrorDetail;

/**
 * Usage: java interop.Main PROFILES. PROFILES is a folder with what `certledger network profile ORG` prints, as
 * ORG.json. A request is a JSON line {operation, as, …}; the answer is a JSON line {result} or {error}. One after the
 * other.
 */
public final class Main {
    /** One thing that the official client is asked to do. */
    interface Operation {
        JsonElement run(Connections.Connection connection, Request request) throws Exception;
    }

    private Main() {}

    public static void main(String[] arguments) throws Exception {
        var operations = new HashMap<String, Operation>();
        operations.putAll(Transactions.OPERATIONS);
        operations.putAll(Signing.OPERATIONS);
        operations.putAll(Events.OPERATIONS);
        var answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        var requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (var connections = new Connections(Path.of(arguments[0]))) {
            for (String line = requests.readLine(); line != null; line = requests.readLine()) {
                answers.println(answer(operations, connections, JsonParser.parseString(line).getAsJsonObject()));
            }
        }
    }

    private static JsonObject answer(Map<String, Operation> operations, Connections connections, JsonObject line) {
        var answer = new JsonObject();
        try {
            var operation = operations.get(line.get("operation").getAsString());
            var result = operation.run(connections.get(line.getAsJsonObject("as")), new Request(line));
            answer.add("result", result == null ? JsonNull.INSTANCE : result);
        } catch (CommitException error) {
            var described = described(error, error.getMessage());
            described.addProperty("code", error.getCode().getNumber());
            described.addProperty("transactionId", error.getTransactionId());
            answer.add("error", described);
        } catch (GatewayException error) {
            var described = described(error, error.getStatus(), error.getDetails());
            if (error instanceof TransactionException transaction) {
                described.addProperty("transactionId", transaction.getTransactionId());
            }
            answer.add("error", described);
        } catch (GatewayRuntimeException error) {
            var described = described(error, error.getStatus(), error.getDetails());
            described.addProperty("kind", "GatewayError");
            answer.add("error", described);
        } catch (Exception error) {
            var trace = new StringWriter();
            error.printStackTrace(new PrintWriter(trace));
            answer.add("error", described(error, trace.toString()));
        }
        return answer;
    }

    /** The errors of the Node client have the same names, but for the end. */
    private static JsonObject described(Exception error, String message) {
        var described = new JsonObject();
        described.addProperty("kind", error.getClass().getSimpleName().replaceFirst("Exception$", "Error"));
        described.addProperty("message", message);
        return described;
    }

    private static JsonObject described(Exception error, Status status, List<ErrorDetail> details) {
        var described = described(error, status.getDescription());
        described.addProperty("code", status.getCode().value());
        described.add("details", new Gson().toJsonTree(details.stream()
                .map(one -> Map.of("address", one.getAddress(), "mspId", one.getMspId(), "message", one.getMessage()))
                .toList()));
        return described;
    }
}
