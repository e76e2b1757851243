package io.vpasid.guest.control;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.SerializationFeature;
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
          // Fields of records that are empty; members of maps are not concerned.
          .changeDefaultPropertyInclusion(
              usual -> usual.withValueInclusion(JsonInclude.Include.NON_ABSENT))
          .disable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
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
  ///
  /// @param version a record, or a map
  static byte[] greeting(Object version) {
    return line(new Greeting(new Greeting.Qmp(version, List.of(TEMPORARY))));
  }

  private record Greeting(@JsonProperty("QMP") Qmp qmp) {
    private record Qmp(Object version, List<String> capabilities) {}
  }

  /// @param result a record, whose fields are the keys, or a map or list of such
  static byte[] result(Object result, @Nullable JsonNode id) {
    return line(new Returned(result, Optional.ofNullable(id)));
  }

  private record Returned(@JsonProperty("return") Object result, Optional<JsonNode> id) {}

  static byte[] error(ControlException error, @Nullable JsonNode id) {
    return line(new Failed(error.reason(), Optional.ofNullable(id)));
  }

  private record Failed(ControlException.Reason error, Optional<JsonNode> id) {}

  static byte[] event(ControlEvent event, Map<String, ?> data, Instant when) {
    return line(
        new Event(
            new Event.Timestamp(when.getEpochSecond(), when.getNano() / 1000),
            event.name(),
            Optional.<Map<String, ?>>of(data).filter(members -> !members.isEmpty())));
  }

  private record Event(Timestamp timestamp, String event, Optional<Map<String, ?>> data) {
    private record Timestamp(long seconds, int microseconds) {}
  }

  /// A request as a line.
  static byte[] request(String execute, ObjectNode arguments) {
    return line(new Sent(execute, Optional.of(arguments).filter(members -> !members.isEmpty())));
  }

  private record Sent(String execute, Optional<ObjectNode> arguments) {}

  private static byte[] line(Object message) {
    return (MAPPER.writeValueAsString(message) + "\r\n").getBytes(StandardCharsets.UTF_8);
  }
}
