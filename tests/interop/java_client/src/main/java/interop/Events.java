package interop;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.protobuf.Message;
import interop.Connections.Connection;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.hyperledger.fabric.client.ChaincodeEvent;
import org.hyperledger.fabric.client.Checkpointer;
import org.hyperledger.fabric.client.CloseableIterator;
import org.hyperledger.fabric.client.EventsBuilder;
import org.hyperledger.fabric.client.EventsRequest;
import org.hyperledger.fabric.client.FileCheckpointer;
import org.hyperledger.fabric.client.InMemoryCheckpointer;
import org.hyperledger.fabric.protos.common.Block;
import org.hyperledger.fabric.protos.peer.BlockAndPrivateData;
import org.hyperledger.fabric.protos.peer.FilteredBlock;

/** Following chaincode events and blocks. */
final class Events {
    static final Map<String, Main.Operation> OPERATIONS = Map.of(
            "eventsRequest", (connection, request) -> Signing.signable(newRequest(connection, request, null)),
            "events", Events::events,
            "resumed", Events::resumed,
            "fromNow", Events::fromNow);

    private Events() {}

    private static EventsRequest<?> newRequest(Connection connection, Request request, Checkpointer checkpointer) {
        var network = connection.network();
        EventsBuilder<?> builder =
                switch (request.text("kind")) {
                    case "chaincode" -> network.newChaincodeEventsRequest(request.text("chaincode"));
                    case "block" -> network.newBlockEventsRequest();
                    case "filtered" -> network.newFilteredBlockEventsRequest();
                    case "private" -> network.newBlockAndPrivateDataEventsRequest();
                    default -> throw new IllegalArgumentException(request.text("kind"));
                };
        if (request.has("startBlock")) {
            builder.startBlock(request.number("startBlock"));
        }
        if (checkpointer != null) {
            builder.checkpoint(checkpointer);
        }
        return builder.build();
    }

    private static EventsRequest<?> rebuilt(Connection connection, Request request) {
        var gateway = connection.gateway();
        return switch (request.text("kind")) {
            case "chaincode" -> Signing.rebuilt(
                    request, gateway::newChaincodeEventsRequest, gateway::newSignedChaincodeEventsRequest);
            case "block" -> Signing.rebuilt(
                    request, gateway::newBlockEventsRequest, gateway::newSignedBlockEventsRequest);
            case "filtered" -> Signing.rebuilt(
                    request, gateway::newFilteredBlockEventsRequest, gateway::newSignedFilteredBlockEventsRequest);
            case "private" -> Signing.rebuilt(
                    request,
                    gateway::newBlockAndPrivateDataEventsRequest,
                    gateway::newSignedBlockAndPrivateDataEventsRequest);
            default -> throw new IllegalArgumentException(request.text("kind"));
        };
    }

    private static JsonElement told(Object event) {
        if (event instanceof ChaincodeEvent one) {
            var told = new JsonObject();
            told.addProperty("block", one.getBlockNumber());
            told.addProperty("transactionId", one.getTransactionId());
            told.addProperty("chaincode", one.getChaincodeName());
            told.addProperty("name", one.getEventName());
            told.add("payload", Request.text(one.getPayload()));
            return told;
        }
        return Request.hex(((Message) event).toByteArray());
    }

    private static void keep(Checkpointer checkpointer, Object event) throws IOException {
        if (event instanceof ChaincodeEvent one) {
            checkpointer.checkpointChaincodeEvent(one);
        } else if (event instanceof Block one) {
            checkpointer.checkpointBlock(one.getHeader().getNumber());
        } else if (event instanceof FilteredBlock one) {
            checkpointer.checkpointBlock(one.getNumber());
        } else if (event instanceof BlockAndPrivateData one) {
            checkpointer.checkpointBlock(one.getBlock().getHeader().getNumber());
        }
    }

    /** The first `count` events of a stream, which is then closed. */
    private static JsonArray take(Request request, EventsRequest<?> made, int count, Checkpointer checkpointer)
            throws IOException {
        var found = new JsonArray();
        try (CloseableIterator<?> events =
                request.has("seconds") ? made.getEvents(Connections.within(request.seconds())) : made.getEvents()) {
            while (found.size() < count && events.hasNext()) {
                var event = events.next();
                found.add(told(event));
                if (checkpointer != null) {
                    keep(checkpointer, event);
                }
            }
        }
        return found;
    }

    private static JsonElement events(Connection connection, Request request) throws IOException {
        var made = request.has("bytes") ? rebuilt(connection, request) : newRequest(connection, request, null);
        return take(request, made, request.number("count"), null);
    }

    /** Streams one after the other, each taking its number of events and going on where the one before was. */
    private static JsonElement resumed(Connection connection, Request request) throws IOException {
        var found = new JsonArray();
        var memory = new InMemoryCheckpointer();
        for (int count : request.counts()) {
            if (request.has("file")) { // opened each time, as another process would
                try (var file = new FileCheckpointer(Path.of(request.text("file")))) {
                    found.add(take(request, newRequest(connection, request, file), count, file));
                }
            } else {
                found.add(take(request, newRequest(connection, request, memory), count, memory));
            }
        }
        return found;
    }

    /** The first event of a stream without a start; the function is submitted until it comes. */
    private static JsonElement fromNow(Connection connection, Request request) throws Exception {
        var contract = Transactions.contractOf(connection, request);
        var thread = Executors.newSingleThreadExecutor();
        try {
            var first = thread.submit(() -> take(request, newRequest(connection, request, null), 1, null));
            while (true) {
                contract.submitTransaction(request.text("function"), request.texts("arguments"));
                try {
                    return first.get(100, TimeUnit.MILLISECONDS).get(0);
                } catch (TimeoutException notYet) {
                    continue;
                }
            }
        } finally {
            thread.shutdownNow();
        }
    }
}
