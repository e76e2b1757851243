package io.vpasid.guest.cli;

import io.vpasid.synth.json.Spelling;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.TypeConversionException;

/// The words that options with a few values take: the constants of an enum, in lower case and with
/// hyphens, however a user writes them.
final class Words {
  private Words() {}

  /// Lets all commands of a command line take such words.
  static void takenBy(CommandLine line) {
    for (ArgSpec argument : line.getCommandSpec().args()) {
      Stream.of(argument.auxiliaryTypes())
          .filter(Class::isEnum)
          .forEach(type -> register(line, type));
    }
    line.getSubcommands().values().forEach(Words::takenBy);
  }

  private static <T> void register(CommandLine line, Class<T> type) {
    line.registerConverter(type, text -> constant(type, text));
  }

  private static <T> T constant(Class<T> type, String text) {
    List<T> constants = List.of(type.getEnumConstants());
    List<String> words = constants.stream().map(Words::word).toList();
    int index = words.indexOf(text.toLowerCase(Locale.ROOT).replace('_', '-'));
    if (index >= 0) {
      return constants.get(index);
    }
    throw new TypeConversionException(
        "'%s' is none of %s%s"
            .formatted(
                text,
                String.join(", ", words),
                Spelling.nearest(text, words)
                    .map(near -> "; did you mean " + near + "?")
                    .orElse("")));
  }

  private static String word(Object constant) {
    return ((Enum<?>) constant).name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
