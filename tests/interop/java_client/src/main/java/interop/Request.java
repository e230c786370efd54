package interop;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** What is asked for, and the forms in which values travel: bytes as hexadecimal digits, results as text. */
record Request(JsonObject fields) {
    boolean has(String name) {
        return fields.has(name) && !fields.get(name).isJsonNull();
    }

    String text(String name) {
        return fields.get(name).getAsString();
    }

    int number(String name) {
        return fields.get(name).getAsInt();
    }

    double seconds() {
        return fields.get("seconds").getAsDouble();
    }

    byte[] bytes(String name) {
        return HexFormat.of().parseHex(text(name));
    }

    String[] texts(String name) {
        return has(name) ? texts(fields.get(name)) : new String[0];
    }

    List<String[]> calls() {
        return elements(fields.get("calls")).stream().map(Request::texts).toList();
    }

    int[] counts() {
        return elements(fields.get("counts")).stream().mapToInt(JsonElement::getAsInt).toArray();
    }

    Map<String, String> transientData() {
        if (!has("transient")) {
            return Map.of();
        }
        return fields.getAsJsonObject("transient").entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, entry -> entry.getValue().getAsString()));
    }

    static JsonElement text(byte[] bytes) {
        return new JsonPrimitive(new String(bytes, StandardCharsets.UTF_8));
    }

    static JsonElement hex(byte[] bytes) {
        return new JsonPrimitive(HexFormat.of().formatHex(bytes));
    }

    private static String[] texts(JsonElement array) {
        return elements(array).stream().map(JsonElement::getAsString).toArray(String[]::new);
    }

    private static List<JsonElement> elements(JsonElement array) {
        return StreamSupport.stream(array.getAsJsonArray().spliterator(), false).toList();
    }
}
