package io.vpasid.guest.control;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/// The messages of the control protocol as JSON: requests in, greeting, replies and events out.
final class ControlMessages {
  private static final int MAX_DEPTH = 16;
  private static final int MAX_NUMBER = 64;

  private static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxNestingDepth(MAX_DEPTH)
                          .maxNumberLength(MAX_NUMBER)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /// The capability that a client can switch on: what it adds is taken away when it disconnects.
  static final String TEMPORARY = "temporary";

  private ControlMessages() {}

  /// A request.
  ///
  /// @param execute the command's name
  /// @param arguments its arguments, empty if the request has none
  /// @param id what the reply is to carry; null if the request has none
  record Request(String execute, ObjectNode arguments, @Nullable JsonNode id) {}

  /// Reads any JSON object.
  ///
  /// @throws ControlException if it is not JSON
  static ObjectNode object(byte[] bytes) {
    JsonNode node;
    try {
      node = MAPPER.readTree(bytes);
    } catch (JacksonException e) {
      String message = ControlArguments.printable(firstClause(e.getOriginalMessage()));
      throw ControlException.generic("JSON parse error: " + message);
    }
    if (node instanceof ObjectNode object) {
      return object;
    }
    throw ControlException.generic("JSON parse error: this is no object");
  }

  private static String firstClause(@Nullable String message) {
    return message == null ? "not JSON" : message.split("[:;(\\n]", 2)[0].strip();
  }

  /// Reads a request out of a JSON object.
  ///
  /// @throws ControlException if it is none
  static Request request(ObjectNode message) {
    String execute = "";
    ObjectNode arguments = JsonNodeFactory.instance.objectNode();
    for (Map.Entry<String, JsonNode> member : message.properties()) {
      JsonNode value = member.getValue();
      switch (member.getKey()) {
        case "execute" -> {
          if (!value.isString()) {
            throw ControlException.generic("'execute' must be a string, the name of a command");
          }
          execute = value.stringValue();
        }
        case "arguments" -> {
          if (!(value instanceof ObjectNode object)) {
            throw ControlException.generic("'arguments' must be an object");
          }
          arguments = object;
        }
        case "id" -> {}
        default ->
            throw ControlException.generic(
                "a request has no member '%s'; there are execute, arguments, id"
                    .formatted(ControlArguments.printable(member.getKey())));
      }
    }
    if (execute.isEmpty()) {
      throw ControlException.generic("the request lacks 'execute', the name of a command");
    }
    return new Request(execute, arguments, message.get("id"));
  }

  /// The greeting. QMP tools read `qemu`, which here is this program's version.
  static byte[] greeting(Map<String, ?> version) {
    return line(Map.of("QMP", ordered("version", version, "capabilities", List.of(TEMPORARY))));
  }

  static byte[] result(Object result, @Nullable JsonNode id) {
    return reply("return", result, id);
  }

  static byte[] error(ControlException error, @Nullable JsonNode id) {
    Map<String, Object> members = ordered("class", error.kind().title(), "desc", error.desc());
    if (!error.errnoName().isEmpty()) {
      members.put("errno", error.errnoName());
    }
    return reply("error", members, id);
  }

  private static byte[] reply(String key, Object value, @Nullable JsonNode id) {
    Map<String, Object> reply = new LinkedHashMap<>();
    reply.put(key, value);
    if (id != null) {
      reply.put("id", id);
    }
    return line(reply);
  }

  static byte[] event(ControlEvent event, Map<String, ?> data, Instant when) {
    Map<String, Object> message = new LinkedHashMap<>();
    message.put(
        "timestamp",
        ordered("seconds", when.getEpochSecond(), "microseconds", when.getNano() / 1000));
    message.put("event", event.name());
    if (!data.isEmpty()) {
      message.put("data", data);
    }
    return line(message);
  }

  /// A request as a line.
  static byte[] request(String execute, ObjectNode arguments) {
    Map<String, Object> request = new LinkedHashMap<>();
    request.put("execute", execute);
    if (!arguments.isEmpty()) {
      request.put("arguments", arguments);
    }
    return line(request);
  }

  private static Map<String, Object> ordered(String k1, Object v1, String k2, Object v2) {
    Map<String, Object> ordered = new LinkedHashMap<>();
    ordered.put(k1, v1);
    ordered.put(k2, v2);
    return ordered;
  }

  private static byte[] line(Object message) {
    return (MAPPER.writeValueAsString(message) + "\r\n").getBytes(StandardCharsets.UTF_8);
  }
}
