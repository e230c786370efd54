package interop;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import interop.Connections.Connection;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.hyperledger.fabric.client.Contract;
import org.hyperledger.fabric.client.Proposal;
import org.hyperledger.fabric.client.Status;

/** Evaluating and submitting. */
final class Transactions {
    static final Map<String, Main.Operation> OPERATIONS = Map.of(
            "evaluate", Transactions::evaluate,
            "submit", Transactions::submit,
            "evaluateTransaction", Transactions::evaluateTransaction,
            "submitTransaction", Transactions::submitTransaction,
            "submitAsync", Transactions::submitAsync,
            "endorseAndSubmit", Transactions::endorseAndSubmit,
            "submitAll", Transactions::submitAll);

    private Transactions() {}

    static Contract contractOf(Connection connection, Request request) {
        var where = request.has("channel")
                ? connection.gateway().getNetwork(request.text("channel"))
                : connection.network();
        return request.has("contract")
                ? where.getContract(request.text("chaincode"), request.text("contract"))
                : where.getContract(request.text("chaincode"));
    }

    static Proposal proposalOf(Connection connection, Request request) {
        var builder = contractOf(connection, request)
                .newProposal(request.text("function"))
                .addArguments(request.texts("arguments"));
        request.transientData().forEach(builder::putTransient);
        if (request.has("organisations")) {
            builder.setEndorsingOrganizations(request.texts("organisations"));
        }
        return builder.build();
    }

    static JsonObject statusOf(Status status) {
        var told = new JsonObject();
        told.addProperty("transactionId", status.getTransactionId());
        told.addProperty("blockNumber", status.getBlockNumber());
        told.addProperty("code", status.getCode().getNumber());
        told.addProperty("successful", status.isSuccessful());
        return told;
    }

    private static JsonElement evaluate(Connection connection, Request request) throws Exception {
        return Request.text(proposalOf(connection, request).evaluate());
    }

    private static JsonElement submit(Connection connection, Request request) throws Exception {
        return Request.text(proposalOf(connection, request).endorse().submit());
    }

    /** The short forms, which take nothing but arguments. */
    private static JsonElement evaluateTransaction(Connection connection, Request request) throws Exception {
        return Request.text(contractOf(connection, request)
                .evaluateTransaction(request.text("function"), request.texts("arguments")));
    }

    private static JsonElement submitTransaction(Connection connection, Request request) throws Exception {
        return Request.text(contractOf(connection, request)
                .submitTransaction(request.text("function"), request.texts("arguments")));
    }

    private static JsonElement submitAsync(Connection connection, Request request) throws Exception {
        var commit = proposalOf(connection, request).endorse().submitAsync();
        var told = new JsonObject();
        told.add("result", Request.text(commit.getResult()));
        told.addProperty("transactionId", commit.getTransactionId());
        told.add("status", statusOf(commit.getStatus()));
        return told;
    }

    /** Step by step; `conflict` submits the same function in between, so that this transaction comes too late. */
    private static JsonElement endorseAndSubmit(Connection connection, Request request) throws Exception {
        var proposal = proposalOf(connection, request);
        var transaction = proposal.endorse();
        if (request.has("conflict")) {
            submit(connection, request);
        }
        var commit = transaction.submitAsync();
        var ids = new JsonArray();
        Stream.of(proposal.getTransactionId(), transaction.getTransactionId(), commit.getTransactionId())
                .forEach(ids::add);
        var results = new JsonArray();
        Stream.of(transaction.getResult(), commit.getResult()).map(Request::text).forEach(results::add);
        var told = new JsonObject();
        told.add("transactionIds", ids);
        told.add("results", results);
        told.add("status", statusOf(commit.getStatus()));
        return told;
    }

    /** Many at the same time: a call of the function for each list of arguments. */
    private static JsonElement submitAll(Connection connection, Request request) throws Exception {
        var contract = contractOf(connection, request);
        var calls = request.calls();
        var threads = Executors.newFixedThreadPool(calls.size());
        try {
            var futures = threads.invokeAll(calls.stream()
                    .map(values -> (Callable<byte[]>)
                            () -> contract.submitTransaction(request.text("function"), values))
                    .toList());
            var results = new JsonArray();
            for (var future : futures) {
                results.add(Request.text(future.get()));
            }
            return results;
        } finally {
            threads.shutdownNow();
        }
    }
}
