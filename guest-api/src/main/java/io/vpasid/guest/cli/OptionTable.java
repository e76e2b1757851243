package io.vpasid.guest.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.IGetter;
import picocli.CommandLine.Model.ISetter;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/// The options of commands that scripts run by the hundred, as a table that the build makes of
/// their annotations: all that it takes to understand a command line, and nothing that only help or
/// an error tells.
///
/// To read annotations, the JVM makes classes anew at each start, which takes longer than most
/// commands run. A command line that the table does not explain, `--help` and every wrong one among
/// them, is left to the annotations. So it is where there is no table, as in an IDE.
///
/// ```text
/// object <tab> class                                   the command, then its mixins
/// mixin, spec, mixee, parent <tab> object <tab> field  what is set in an object before it is used
/// option <tab> object <tab> field <tab> names <tab> arity <tab> split <tab> type <tab> types in it <tab> converters
/// positional <tab> object <tab> field <tab> index <tab> … the same
/// ```
final class OptionTable {
  /// The commands that have one.
  static final List<String> COMMANDS = List.of("inspect", "plan", "scan");

  private static final List<String> HELP = List.of("-h", "-V", "--help", "--version");

  private final List<String> lines;
  private final List<Object> objects = new ArrayList<>();

  private OptionTable(List<String> lines) {
    this.lines = lines;
  }

  /// Writes the tables, each to a file of its own.
  ///
  /// @param arguments the folder
  static void main(String[] arguments) throws IOException {
    for (String name : COMMANDS) {
      Files.write(Path.of(arguments[0], file(name)), of(name).lines);
    }
  }

  private static String file(String command) {
    return command + ".options";
  }

  /// The table of a command, as the build has made it; empty if there is none.
  static Optional<OptionTable> built(String command) {
    if (!COMMANDS.contains(command)) {
      return Optional.empty();
    }
    try (InputStream in = OptionTable.class.getResourceAsStream(file(command))) {
      return in == null
          ? Optional.empty()
          : Optional.of(
              new OptionTable(
                  new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))
                      .lines()
                      .toList()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // What the build does

  /// The table of a command, made of its annotations.
  ///
  /// @throws IllegalArgumentException if it has what a table cannot say
  static OptionTable of(String command) {
    CommandLine line = Objects.requireNonNull(VpasidCommand.all().getSubcommands().get(command));
    List<Object> found = new ArrayList<>(List.of(line.<Object>getCommand()));
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < found.size(); i++) {
      lines.add("object\t" + found.get(i).getClass().getName());
      for (Field field : found.get(i).getClass().getDeclaredFields()) {
        String place = "\t" + i + "\t" + field.getName();
        if (field.isAnnotationPresent(Mixin.class)) {
          found.add(get(field, found.get(i)));
        }
        line(field, place).ifPresent(lines::add);
        line.getCommandSpec().args().stream()
            .filter(arg -> field.equals(arg.userObject()))
            .forEach(arg -> lines.add(line(arg, place)));
      }
    }
    return new OptionTable(lines);
  }

  private static Optional<String> line(Field field, String place) {
    if (field.isAnnotationPresent(ArgGroup.class)) {
      throw new IllegalArgumentException(field + " is a group, of which a table says nothing");
    }
    @Nullable Spec spec = field.getAnnotation(Spec.class);
    if (spec != null) {
      return Optional.of((spec.value() == Spec.Target.MIXEE ? "mixee" : "spec") + place);
    }
    if (field.isAnnotationPresent(ParentCommand.class)) {
      return Optional.of("parent" + place);
    }
    return field.isAnnotationPresent(Mixin.class) ? Optional.of("mixin" + place) : Optional.empty();
  }

  private static String line(ArgSpec arg, String place) {
    boolean isPlain =
        arg.defaultValue() == null
            && arg.parameterConsumer() == null
            && !arg.interactive()
            && !Boolean.TRUE.equals(arg.initialValue());
    boolean isPlainOption =
        !(arg instanceof OptionSpec option)
            || (!option.required() && !option.negatable() && option.fallbackValue().isEmpty());
    if (!isPlain || !isPlainOption) {
      throw new IllegalArgumentException("There is more to " + arg + " than a table says");
    }
    String which =
        arg instanceof OptionSpec option
            ? "option" + place + "\t" + String.join(",", option.names())
            : "positional" + place + "\t" + ((PositionalParamSpec) arg).index();
    return String.join(
        "\t",
        which,
        arg.arity().toString(),
        arg.splitRegex(),
        arg.type().getName(),
        names(Arrays.stream(arg.auxiliaryTypes())),
        names(Arrays.stream(arg.converters()).map(Object::getClass)));
  }

  private static String names(Stream<? extends Class<?>> types) {
    return types.map(Class::getName).collect(Collectors.joining(","));
  }

  // What a start does

  /// The command line of `top` with this command alone, if it explains `arguments`.
  ///
  /// @param configure sets what all command lines need
  Optional<CommandLine> line(
      VpasidCommand top, String[] arguments, UnaryOperator<CommandLine> configure) {
    for (String argument : arguments) {
      if (HELP.stream().anyMatch(argument::startsWith)) {
        return Optional.empty();
      }
    }
    try {
      CommandSpec spec = spec(top);
      CommandLine line =
          configure.apply(
              new CommandLine(CommandSpec.wrapWithoutInspection(top).name("vpasid"))
                  .addSubcommand(arguments[0], new CommandLine(spec.name(arguments[0]))));
      line.parseArgs(arguments);
      return Optional.of(line);
    } catch (ParameterException _) {
      return Optional.empty();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("The table of options is of other classes", e);
    }
  }

  private CommandSpec spec(VpasidCommand top) throws ReflectiveOperationException {
    CommandSpec spec = CommandSpec.create();
    List<String[]> mixins = new ArrayList<>();
    for (String line : lines) {
      String[] words = line.split("\t", -1);
      if (words[0].equals("object")) {
        Object object = make(Class.forName(words[1]));
        if (objects.isEmpty()) {
          spec = CommandSpec.wrapWithoutInspection(object);
        } else {
          String[] mixin = mixins.get(objects.size() - 1);
          set(mixin, object);
        }
        objects.add(object);
        continue;
      }
      switch (words[0]) {
        case "mixin" -> mixins.add(words);
        case "spec", "mixee" -> set(words, spec);
        case "parent" -> set(words, top);
        case "option" -> spec.addOption(option(words));
        case "positional" -> spec.addPositional(positional(words));
        default -> throw new ReflectiveOperationException("unknown line " + line);
      }
    }
    return spec;
  }

  private OptionSpec option(String[] words) throws ReflectiveOperationException {
    Binding binding = binding(words);
    return OptionSpec.builder(words[3].split(",", -1))
        .arity(words[4])
        .splitRegex(words[5])
        .type(binding.type(words))
        .auxiliaryTypes(types(words[7]))
        .converters(converters(words[8]))
        .getter(binding)
        .setter(binding)
        .initialValue(binding.get())
        .build();
  }

  private PositionalParamSpec positional(String[] words) throws ReflectiveOperationException {
    Binding binding = binding(words);
    return PositionalParamSpec.builder()
        .index(words[3])
        .arity(words[4])
        .required(!words[4].startsWith("0"))
        .splitRegex(words[5])
        .type(binding.type(words))
        .auxiliaryTypes(types(words[7]))
        .converters(converters(words[8]))
        .getter(binding)
        .setter(binding)
        .initialValue(binding.get())
        .build();
  }

  private Binding binding(String[] words) throws ReflectiveOperationException {
    return new Binding(field(words), objects.get(Integer.parseInt(words[1])));
  }

  private static ITypeConverter<?>[] converters(String names) throws ReflectiveOperationException {
    List<ITypeConverter<?>> converters = new ArrayList<>();
    for (Class<?> type : types(names)) {
      converters.add((ITypeConverter<?>) make(type));
    }
    return converters.toArray(ITypeConverter<?>[]::new);
  }

  private static Class<?>[] types(String names) throws ReflectiveOperationException {
    List<Class<?>> types = new ArrayList<>();
    for (String name : names.split(",", -1)) {
      if (!name.isEmpty()) {
        types.add(type(name));
      }
    }
    return types.toArray(Class<?>[]::new);
  }

  private static Class<?> type(String name) throws ReflectiveOperationException {
    return switch (name) {
      case "boolean" -> boolean.class;
      case "int" -> int.class;
      default -> Class.forName(name);
    };
  }

  private static Object make(Class<?> type) throws ReflectiveOperationException {
    var constructor = type.getDeclaredConstructor();
    constructor.setAccessible(true);
    return constructor.newInstance();
  }

  private VarHandle field(String[] words) throws ReflectiveOperationException {
    Class<?> type = objects.get(Integer.parseInt(words[1])).getClass();
    return MethodHandles.privateLookupIn(type, MethodHandles.lookup())
        .unreflectVarHandle(type.getDeclaredField(words[2]));
  }

  private void set(String[] words, Object value) throws ReflectiveOperationException {
    field(words).set(objects.get(Integer.parseInt(words[1])), value);
  }

  private static Object get(Field field, Object object) {
    try {
      field.setAccessible(true);
      return field.get(object);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e);
    }
  }

  /// Where the value of an option goes. Through method handles, records' `equals` and reflection
  /// the JVM makes classes anew at each start; through a VarHandle it makes none.
  private static final class Binding implements IGetter, ISetter {
    private final VarHandle field;
    private final Object object;

    Binding(VarHandle field, Object object) {
      this.field = field;
      this.object = object;
    }

    /// Its type for picocli, which makes an Optional by reflection; here [#set] does.
    Class<?> type(String[] words) throws ReflectiveOperationException {
      return OptionTable.type(words[field.varType() == Optional.class ? 7 : 6]);
    }

    // The interface says so little of the types.
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    @Override
    public <T> T get() {
      Object value =
          field.varType() == boolean.class ? (boolean) field.get(object) : field.get(object);
      return (T) value;
    }

    @Override
    public <T> T set(T changed) {
      T before = get();
      if (changed instanceof Boolean value && field.varType() == boolean.class) {
        field.set(object, (boolean) value);
      } else if (field.varType() == Optional.class && !(changed instanceof Optional)) {
        field.set(object, (Object) Optional.of(changed));
      } else {
        field.set(object, (Object) changed);
      }
      return before;
    }
  }
}
