package io.vpasid.guest.vfiouser;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/// What one end can do, as the JSON of a VERSION message tells it (specification, "Version").
///
/// ```text
/// {"capabilities": {"max_msg_fds": 16, "max_data_xfer_size": 1048576, "max_dma_maps": 65535,
///                   "pgsizes": 4096, "write_multiple": true}}
/// ```
///
/// Everything is optional and has a default; names that are not known here are passed over. The
/// JSON is untrusted: [#MAX_LENGTH] bytes and [#MAX_DEPTH] levels at most.
///
/// @param maxDescriptors most file descriptors that it takes with one message
/// @param maxDataTransfer most bytes of data in one message that it takes
/// @param maxDmaMaps most DMA windows at a time
/// @param pageSizes page sizes of DMA windows, or'ed
/// @param writesMultiple whether it has REGION_WRITE_MULTI
record Capabilities(
    int maxDescriptors,
    long maxDataTransfer,
    long maxDmaMaps,
    long pageSizes,
    boolean writesMultiple) {
  /// Bytes of JSON that are looked at, with the NUL. QEMU's are about 200.
  static final int MAX_LENGTH = 4096;

  /// Objects within objects that are looked at. The specification has two levels.
  static final int MAX_DEPTH = 8;

  /// What an end can do that says nothing.
  static final Capabilities DEFAULTS = new Capabilities(1, 1 << 20, 65535, 4096, false);

  private static final String CAPABILITIES = "capabilities";
  private static final String MAX_MSG_FDS = "max_msg_fds";
  private static final String MAX_DATA_XFER_SIZE = "max_data_xfer_size";
  private static final String MAX_DMA_MAPS = "max_dma_maps";
  private static final String PGSIZES = "pgsizes";
  private static final String WRITE_MULTIPLE = "write_multiple";
  private static final String MIGRATION = "migration";
  private static final String TWIN_SOCKET = "twin_socket";
  private static final String SUPPORTED = "supported";

  private static final JsonMapper JSON =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxDocumentLength(MAX_LENGTH)
                          .maxNestingDepth(MAX_DEPTH)
                          .maxNumberLength(32)
                          .maxNameLength(256)
                          .build())
                  .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                  .build())
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /// What the other end said.
  sealed interface Parsed {
    /// It can do this, and named these of its capabilities.
    record Understood(Capabilities capabilities, Set<String> named) implements Parsed {

      /// True if it is QEMU, as far as its own names tell: nobody else names both of these, of
      /// which the first was in a draft only.
      boolean isQemu() {
        return named.contains(MIGRATION) && named.contains(WRITE_MULTIPLE);
      }
    }

    /// It said something that the specification does not allow.
    record Malformed(String reason) implements Parsed {}
  }

  /// Reads the data of a VERSION message.
  ///
  /// @param data what follows the version; nothing at all means the defaults
  static Parsed parse(ByteBuffer data) {
    if (!data.hasRemaining()) {
      return new Parsed.Understood(DEFAULTS, Set.of());
    }
    int length = data.remaining();
    if (length > MAX_LENGTH) {
      return new Parsed.Malformed("The version data has " + length + " bytes, over " + MAX_LENGTH);
    }
    if (data.get(data.limit() - 1) != 0) {
      return new Parsed.Malformed("The version data does not end with a NUL");
    }
    JsonNode root;
    try {
      String text =
          StandardCharsets.UTF_8
              .newDecoder()
              .onMalformedInput(CodingErrorAction.REPORT)
              .decode(data.slice(data.position(), length - 1))
              .toString();
      root = JSON.readTree(text);
    } catch (CharacterCodingException | JacksonException e) {
      return new Parsed.Malformed("The version data is not JSON in UTF-8");
    }
    if (!root.isObject()) {
      return new Parsed.Malformed("The version data is not a JSON object");
    }
    JsonNode capabilities = root.path(CAPABILITIES);
    if (capabilities.isMissingNode()) {
      return new Parsed.Understood(DEFAULTS, Set.of());
    }
    return capabilities.isObject()
        ? parse(capabilities)
        : new Parsed.Malformed("\"" + CAPABILITIES + "\" is not an object");
  }

  private static Parsed parse(JsonNode named) {
    for (String name : Set.of(MAX_MSG_FDS, MAX_DATA_XFER_SIZE, MAX_DMA_MAPS, PGSIZES)) {
      JsonNode value = named.path(name);
      if (!value.isMissingNode() && !isCount(value)) {
        return new Parsed.Malformed("\"" + name + "\" is not a number from 0 on");
      }
    }
    JsonNode multiple = named.path(WRITE_MULTIPLE);
    if (!multiple.isMissingNode() && !multiple.isBoolean()) {
      return new Parsed.Malformed("\"" + WRITE_MULTIPLE + "\" is neither true nor false");
    }
    JsonNode twin = named.path(TWIN_SOCKET);
    JsonNode supported = twin.path(SUPPORTED);
    if ((!twin.isMissingNode() && !twin.isObject())
        || (!supported.isMissingNode() && !supported.isBoolean())) {
      return new Parsed.Malformed("\"" + TWIN_SOCKET + "\" is not as the specification has it");
    }
    return new Parsed.Understood(
        new Capabilities(
            (int) Math.min(Integer.MAX_VALUE, count(named, MAX_MSG_FDS, DEFAULTS.maxDescriptors)),
            count(named, MAX_DATA_XFER_SIZE, DEFAULTS.maxDataTransfer),
            count(named, MAX_DMA_MAPS, DEFAULTS.maxDmaMaps),
            count(named, PGSIZES, DEFAULTS.pageSizes),
            multiple.asBoolean(DEFAULTS.writesMultiple)),
        new TreeSet<>(named.propertyNames()));
  }

  private static boolean isCount(JsonNode value) {
    return value.isIntegralNumber() && value.canConvertToLong() && value.longValue() >= 0;
  }

  private static long count(JsonNode named, String name, long otherwise) {
    JsonNode value = named.path(name);
    return value.isMissingNode() ? otherwise : value.longValue();
  }

  /// All of them, as a client proposes them: JSON with its NUL.
  ByteBuffer proposal() {
    return json(Optional.empty());
  }

  /// Those that belong into a server's reply: what the client named, for a reply names nothing
  /// else, and what it would otherwise take for the default although it is not. QEMU has no room
  /// for a reply longer than its request.
  ///
  /// @param named the names in the client's proposal
  ByteBuffer reply(Set<String> named) {
    return json(Optional.of(named));
  }

  private ByteBuffer json(Optional<Set<String>> only) {
    ObjectNode root = JSON.createObjectNode();
    ObjectNode capabilities = root.putObject(CAPABILITIES);
    put(capabilities, MAX_MSG_FDS, maxDescriptors, DEFAULTS.maxDescriptors, only);
    put(capabilities, MAX_DATA_XFER_SIZE, maxDataTransfer, DEFAULTS.maxDataTransfer, only);
    put(capabilities, MAX_DMA_MAPS, maxDmaMaps, DEFAULTS.maxDmaMaps, only);
    put(capabilities, PGSIZES, pageSizes, DEFAULTS.pageSizes, only);
    if (writesMultiple && (only.isEmpty() || only.get().contains(WRITE_MULTIPLE))) {
      capabilities.put(WRITE_MULTIPLE, true);
    }
    return StandardCharsets.UTF_8.encode(JSON.writeValueAsString(root) + '\0');
  }

  private static void put(
      ObjectNode into, String name, long value, long otherwise, Optional<Set<String>> only) {
    if (value != otherwise || only.isEmpty() || only.get().contains(name)) {
      into.put(name, value);
    }
  }
}
