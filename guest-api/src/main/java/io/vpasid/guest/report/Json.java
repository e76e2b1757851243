package io.vpasid.guest.report;

import com.fasterxml.jackson.annotation.JsonAutoDetect.Visibility;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import io.vpasid.guest.config.InputException;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.PciId;
import io.vpasid.synth.HardwareInfo;
import io.vpasid.synth.Layout;
import java.io.PrintWriter;
import java.util.Locale;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.std.ToStringSerializer;
import tools.jackson.databind.ser.std.ToStringSerializerBase;

/// JSON for machines: one document per command, offsets as `"0x230"`.
///
/// A result is a record whose components are the keys, in their order; an empty
/// [java.util.Optional] is a key that is left out, an enum a word in small letters.
public final class Json {
  /// Made when the first document is written: most commands write text, and would wait for it.
  private static final class Mapper {
    static final JsonMapper PAGES =
        JsonMapper.builder()
            .enable(SerializationFeature.INDENT_OUTPUT)
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .enable(EnumFeature.WRITE_ENUMS_TO_LOWERCASE)
            .changeDefaultPropertyInclusion(any -> any.withValueInclusion(Include.NON_ABSENT))
            // A record is its components, whatever else it can say of itself.
            .changeDefaultVisibility(any ->
                any.withVisibility(PropertyAccessor.ALL, Visibility.NONE)
                    .withVisibility(PropertyAccessor.FIELD, Visibility.ANY))
            .addModule(
                new SimpleModule()
                    .addSerializer(PciAddress.class, ToStringSerializer.instance)
                    .addSerializer(PciId.class, ToStringSerializer.instance)
                    .addSerializer(HardwareInfo.class, ToStringSerializer.instance)
                    .addSerializer(Layout.class, new FingerprintSerializer()))
            .build();

    static final ObjectWriter LINES = PAGES.writer().without(SerializationFeature.INDENT_OUTPUT);
  }

  /// Of a layout only its fingerprint is told.
  private static final class FingerprintSerializer extends ToStringSerializerBase {
    FingerprintSerializer() {
      super(Layout.class);
    }

    @Override
    public String valueToString(Object value) {
      return ((Layout) value).fingerprint();
    }
  }

  private Json() {}

  /// Refuses `--json` beside another `--format`.
  ///
  /// @param json whether `--json` is there
  /// @param format what `--format` says, or its default, TEXT
  public static void checkFormat(boolean json, Enum<?> format) {
    if (json && !format.name().equals("TEXT") && !format.name().equals("JSON")) {
      throw new InputException(
          "--json does not go with --format %s: leave one of them out"
              .formatted(format.name().toLowerCase(Locale.ROOT)));
    }
  }

  public static void print(PrintWriter out, Object document) {
    out.println(text(document));
  }

  public static String text(Object document) {
    return Mapper.PAGES.writeValueAsString(document);
  }

  /// A record as the object that it is in JSON.
  public static Object tree(Object report) {
    return Mapper.PAGES.convertValue(report, Object.class);
  }

  /// The same in one line.
  public static void printLine(PrintWriter out, Object document) {
    out.println(line(document));
  }

  /// The same as a text without an end of line.
  public static String line(Object document) {
    return Mapper.LINES.writeValueAsString(document);
  }

  /// One of a few values, as JSON has it: in small letters.
  public static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  /// An offset, as in `0x230`.
  public static String hex(int offset) {
    String digits = Integer.toHexString(offset);
    return "0x" + "0".repeat(Math.max(0, 3 - digits.length())) + digits;
  }
}
