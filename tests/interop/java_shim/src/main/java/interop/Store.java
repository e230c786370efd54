package interop;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.hyperledger.fabric.contract.Context;
import org.hyperledger.fabric.contract.ContractInterface;
import org.hyperledger.fabric.contract.annotation.Contract;
import org.hyperledger.fabric.contract.annotation.Default;
import org.hyperledger.fabric.contract.annotation.Info;
import org.hyperledger.fabric.contract.annotation.Transaction;
import org.hyperledger.fabric.contract.annotation.Transaction.TYPE;
import org.hyperledger.fabric.shim.ChaincodeException;
import org.hyperledger.fabric.shim.ext.sbe.StateBasedEndorsement;
import org.hyperledger.fabric.shim.ext.sbe.impl.StateBasedEndorsementFactory;
import org.hyperledger.fabric.shim.ledger.KeyValue;
import org.hyperledger.fabric.shim.ledger.QueryResultsIterator;
import org.json.JSONArray;
import org.json.JSONObject;

/** A key-value store that uses all of the shim. Results are JSON, and the same as the Node contract's. */
@Default
@Contract(name = "store", info = @Info(title = "store", version = "1.0.0"))
public final class Store implements ContractInterface {
    @Transaction
    public String put(Context ctx, String key, String value) {
        var stub = ctx.getStub();
        var previous = stub.getState(key);
        stub.putState(key, value.getBytes(UTF_8));
        stub.setEvent("put", new JSONObject().put("key", key).put("value", value).toString().getBytes(UTF_8));
        return told("previous", text(previous));
    }

    /** Puts many keys of four digits, the first of them 1000. */
    @Transaction
    public void fill(Context ctx, String stem, int count) {
        for (int place = 0; place < count; place++) {
            ctx.getStub().putState(stem + (1000 + place), new byte[] {'x'});
        }
    }

    @Transaction(intent = TYPE.EVALUATE)
    public String get(Context ctx, String key) {
        return told("value", text(ctx.getStub().getState(key)));
    }

    @Transaction
    public void remove(Context ctx, String key) {
        ctx.getStub().delState(key);
    }

    @Transaction(intent = TYPE.EVALUATE)
    public String names(Context ctx, String start, String end) {
        return names(ctx.getStub().getStateByRange(start, end));
    }

    @Transaction(intent = TYPE.EVALUATE)
    public String page(Context ctx, String start, String end, int size, String bookmark) {
        var page = ctx.getStub().getStateByRangeWithPagination(start, end, size, bookmark);
        var names = new JSONArray();
        page.forEach(one -> names.put(one.getKey()));
        return new JSONObject()
                .put("names", names)
                .put("bookmark", page.getMetadata().getBookmark())
                .put("count", page.getMetadata().getFetchedRecordsCount())
                .toString();
    }

    @Transaction(intent = TYPE.EVALUATE)
    public String history(Context ctx, String key) {
        var found = new JSONArray();
        ctx.getStub().getHistoryForKey(key).forEach(one -> found.put(new JSONObject()
                .put("txId", one.getTxId())
                .put("value", text(one.getValue()))
                .put("isDelete", one.isDeleted())
                .put("dated", one.getTimestamp() != null)));
        return found.toString();
    }

    @Transaction
    public void pair(Context ctx, String kind, String first, String second) {
        var stub = ctx.getStub();
        stub.putState(stub.createCompositeKey(kind, first, second).toString(), new byte[] {0});
    }

    @Transaction(intent = TYPE.EVALUATE)
    public String pairs(Context ctx, String kind, String first) {
        var stub = ctx.getStub();
        var found = new JSONArray();
        stub.getStateByPartialCompositeKey(kind, first).forEach(one -> {
            var key = stub.splitCompositeKey(one.getKey());
            found.put(Stream.concat(Stream.of(key.getObjectType()), key.getAttributes().stream()).toList());
        });
        return found.toString();
    }

    @Transaction
    public void putPrivate(Context ctx, String collection, String key) {
        ctx.getStub().putPrivateData(collection, key, ctx.getStub().getTransient().get("value"));
    }

    @Transaction(intent = TYPE.EVALUATE)
    public String getPrivate(Context ctx, String collection, String key) {
        return told("value", text(ctx.getStub().getPrivateData(collection, key)));
    }

    @Transaction(intent = TYPE.EVALUATE)
    public String privateHash(Context ctx, String collection, String key) {
        return told("hash", HexFormat.of().formatHex(ctx.getStub().getPrivateDataHash(collection, key)));
    }

    @Transaction(intent = TYPE.EVALUATE)
    public String privateNames(Context ctx, String collection, String start, String end) {
        return names(ctx.getStub().getPrivateDataByRange(collection, start, end));
    }

    @Transaction
    public void removePrivate(Context ctx, String collection, String key) {
        ctx.getStub().delPrivateData(collection, key);
    }

    @Transaction(name = "transient", intent = TYPE.EVALUATE)
    public String transientData(Context ctx) {
        var told = new JSONObject();
        ctx.getStub().getTransient().forEach((name, value) -> told.put(name, text(value)));
        return told.toString();
    }

    @Transaction(intent = TYPE.EVALUATE)
    public String who(Context ctx) {
        var client = ctx.getClientIdentity();
        return new JSONObject()
                .put("mspId", client.getMSPID())
                .put("id", client.getId())
                .put("role", client.getAttributeValue("certledger.role"))
                .put("isIssuer", client.assertAttributeValue("certledger.role", "issuer"))
                .toString();
    }

    @Transaction(intent = TYPE.EVALUATE)
    public String transaction(Context ctx) {
        var stub = ctx.getStub();
        return new JSONObject()
                .put("txId", stub.getTxId())
                .put("channel", stub.getChannelId())
                .put("seconds", stub.getTxTimestamp().getEpochSecond())
                .put("function", stub.getFunction())
                .put("binding", stub.getBinding().length)
                .toString();
    }

    @Transaction
    public void restrict(Context ctx, String key, String mspId) {
        var policy = StateBasedEndorsementFactory.getInstance().newStateBasedEndorsement(null);
        policy.addOrgs(StateBasedEndorsement.RoleType.RoleTypePeer, mspId);
        ctx.getStub().setStateValidationParameter(key, policy.policy());
    }

    @Transaction(intent = TYPE.EVALUATE)
    public String restriction(Context ctx, String key) {
        var policy = ctx.getStub().getStateValidationParameter(key);
        return new JSONArray(
                        policy == null || policy.length == 0
                                ? List.of()
                                : StateBasedEndorsementFactory.getInstance()
                                        .newStateBasedEndorsement(policy)
                                        .listOrgs())
                .toString();
    }

    @Transaction
    public String call(Context ctx, String chaincode, String channel, String function, String first, String second) {
        var values = Stream.of(function, first, second).filter(one -> !one.isEmpty()).toList();
        var response = ctx.getStub().invokeChaincodeWithStringArgs(chaincode, values, channel);
        return new JSONObject()
                .put("status", response.getStatusCode())
                .put("message", response.getMessage() == null ? "" : response.getMessage())
                .put("payload", text(response.getPayload()))
                .toString();
    }

    @Transaction(intent = TYPE.EVALUATE)
    public String query(Context ctx, String selector) {
        return names(ctx.getStub().getQueryResult(selector));
    }

    @Transaction
    public void fail(Context ctx, String reason) {
        ctx.getStub().putState("failed", reason.getBytes(UTF_8));
        throw new ChaincodeException("refused: " + reason);
    }

    private static Object text(byte[] bytes) {
        return bytes == null || bytes.length == 0 ? JSONObject.NULL : new String(bytes, UTF_8);
    }

    private static String told(String name, Object value) {
        return new JSONObject().put(name, value).toString();
    }

    private static String names(QueryResultsIterator<KeyValue> iterator) {
        var found = new ArrayList<String>();
        iterator.forEach(one -> found.add(one.getKey()));
        return new JSONArray(found).toString();
    }
}
