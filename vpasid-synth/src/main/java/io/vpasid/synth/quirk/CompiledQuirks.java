package io.vpasid.synth.quirk;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.vpasid.pci.ByteRange;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;

/// The built-in quirks in the form that a process reads when it starts: all texts once, then the
/// quirks, which refer to them by number. To read the JSON files takes longer than most commands
/// run, so the build writes this form of them beside them.
///
/// ```text
/// file    list of texts, list of quirks
/// list    number of elements, elements; also of a value that may be missing
/// text    number of bytes, UTF-8
/// number  7 bits in a byte, the lowest first; the last byte is below 0x80
/// ```
///
/// It is no format for others: whoever reads it has written it in the same build.
final class CompiledQuirks {
  private CompiledQuirks() {}

  /// Writes the built-in quirks.
  ///
  /// @param arguments the path of the file to write
  static void main(String[] arguments) throws IOException {
    Files.write(Path.of(arguments[0]), compile(BuiltInFiles.parse()));
  }

  /// These quirks as bytes, the same for the same quirks.
  static byte[] compile(List<Quirk> quirks) {
    return new Writer().file(quirks);
  }

  /// The quirks that [#compile] was given, all of the built-in layer.
  static List<Quirk> read(byte[] bytes) {
    return new Reader(bytes).file();
  }

  private static final class Writer {
    private final Map<String, Integer> texts = new LinkedHashMap<>();
    private ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    byte[] file(List<Quirk> quirks) {
      list(quirks, this::quirk);
      byte[] behind = bytes.toByteArray();
      bytes = new ByteArrayOutputStream();
      list(List.copyOf(texts.keySet()), this::bytesOf);
      bytes.writeBytes(behind);
      return bytes.toByteArray();
    }

    private void bytesOf(String text) {
      byte[] encoded = text.getBytes(UTF_8);
      number(encoded.length);
      bytes.writeBytes(encoded);
    }

    private void quirk(Quirk quirk) {
      text(quirk.source().file());
      text(quirk.id());
      number(quirk.line());
      number(quirk.column());
      text(quirk.name());
      text(quirk.citation());
      text(quirk.notes());
      list(quirk.matches(), this::match);
      MatchedQuirks effects = quirk.effects();
      list(effects.hiddenBits(), this::hiddenBits);
      decision(effects.pinnedOffset(), this::number);
      decisions(effects.available(), this::range);
      decisions(effects.shadowing(), this::range);
      decision(effects.maxWidth(), this::number);
      decision(effects.exec(), this::flag);
      decision(effects.priv(), this::flag);
      decision(effects.refusal(), this::text);
    }

    private void match(QuirkMatch match) {
      number(match.vendor());
      list(match.devices(), this::ids);
      list(
          match.subsystems(),
          subsystem -> {
            number(subsystem.vendor());
            number(subsystem.device());
          });
      list(
          match.classes(),
          pattern -> {
            number(pattern.value());
            number(pattern.mask());
          });
      list(match.revisions(), this::ids);
      list(match.kind().stream().toList(), kind -> text(kind.name()));
    }

    private void ids(IdRange ids) {
      number(ids.first());
      number(ids.last());
    }

    private void hiddenBits(HiddenBits bits) {
      range(bits.range());
      number(bits.mask());
      text(bits.access().name());
      text(bits.evidence().name());
      text(bits.what());
    }

    private <T> void decision(Optional<Decision<T>> decision, Consumer<T> element) {
      decisions(decision.stream().toList(), element);
    }

    private <T> void decisions(List<Decision<T>> decisions, Consumer<T> element) {
      list(decisions, decision -> element.accept(decision.value()));
    }

    private void range(ByteRange range) {
      number(range.offset());
      number(range.length());
    }

    private void flag(boolean flag) {
      number(flag ? 1 : 0);
    }

    private void text(String text) {
      number(texts.computeIfAbsent(text, _ -> texts.size()));
    }

    private <T> void list(List<T> elements, Consumer<T> element) {
      number(elements.size());
      elements.forEach(element);
    }

    private void number(int number) {
      int rest = number;
      for (; (rest & ~0x7f) != 0; rest >>>= 7) {
        bytes.write((rest & 0x7f) | 0x80);
      }
      bytes.write(rest);
    }
  }

  private static final class Reader {
    private final byte[] bytes;
    private int position;
    private final List<String> texts;

    Reader(byte[] bytes) {
      this.bytes = bytes;
      texts = list(this::nextText);
    }

    List<Quirk> file() {
      return list(this::quirk);
    }

    private String nextText() {
      int length = number();
      position += length;
      return new String(bytes, position - length, length, UTF_8);
    }

    private Quirk quirk() {
      QuirkSource source = new QuirkSource(QuirkSource.BUILT_IN, text(), text());
      return new Quirk(
          source, number(), number(), text(), text(), text(), list(this::match), effects(source));
    }

    private MatchedQuirks effects(QuirkSource source) {
      return new MatchedQuirks(
          list(() ->
              new HiddenBits(
                  range(),
                  number(),
                  Access.valueOf(text()),
                  Evidence.valueOf(text()),
                  text(),
                  source)),
          decision(this::number, source),
          decisions(this::range, source),
          decisions(this::range, source),
          decision(this::number, source),
          decision(this::flag, source),
          decision(this::flag, source),
          decision(this::text, source));
    }

    private QuirkMatch match() {
      return new QuirkMatch(
          number(),
          list(this::ids),
          list(() -> new SubsystemMatch(number(), number())),
          list(() -> new ClassPattern(number(), number())),
          list(this::ids),
          list(() -> FunctionKind.valueOf(text())).stream().findFirst());
    }

    private IdRange ids() {
      return new IdRange(number(), number());
    }

    private <T> Optional<Decision<T>> decision(Supplier<T> value, QuirkSource source) {
      List<Decision<T>> decisions = decisions(value, source);
      return decisions.isEmpty() ? Optional.empty() : Optional.of(decisions.getFirst());
    }

    private <T> List<Decision<T>> decisions(Supplier<T> value, QuirkSource source) {
      return list(() -> new Decision<>(value.get(), source));
    }

    private ByteRange range() {
      return new ByteRange(number(), number());
    }

    private boolean flag() {
      return number() != 0;
    }

    private String text() {
      return texts.get(number());
    }

    private <T> List<T> list(Supplier<T> element) {
      int size = number();
      if (size == 0) {
        return List.of();
      }
      List<T> elements = new ArrayList<>(size);
      for (int i = 0; i < size; i++) {
        elements.add(element.get());
      }
      return elements;
    }

    private int number() {
      int number = 0;
      for (int shift = 0; ; shift += 7) {
        byte next = bytes[position++];
        number |= (next & 0x7f) << shift;
        if (next >= 0) {
          return number;
        }
      }
    }
  }
}
