package io.vpasid.it.api;

import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Member;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// Types as somebody sees them who compiles against them: a line for each type and for each of its
/// members that is public, or protected and can be overridden.
///
/// ```text
/// public final record io.vpasid.pci.PciId(int vendor, int device)
///   static parse(String): Optional<PciId>
/// ```
final class ExportedTypes {
  private ExportedTypes() {}

  /// The types, each followed by those nested in it.
  static String describe(List<Class<?>> types) {
    StringBuilder text = new StringBuilder();
    types.stream()
        .sorted(Comparator.comparing(Class::getName))
        .forEach(type -> describe(type, text));
    return text.toString();
  }

  private static void describe(Class<?> type, StringBuilder text) {
    text.append(header(type)).append('\n');
    members(type).forEach(line -> text.append("  ").append(line).append('\n'));
    Arrays.stream(type.getDeclaredClasses())
        .filter(nested -> isSeen(nested.getModifiers(), type))
        .sorted(Comparator.comparing(Class::getName))
        .forEach(nested -> describe(nested, text));
  }

  private static String header(Class<?> type) {
    String kind =
        type.isRecord()
            ? "record"
            : type.isEnum()
                ? "enum"
                : type.isAnnotation() ? "@interface" : type.isInterface() ? "interface" : "class";
    boolean isAbstract = Modifier.isAbstract(type.getModifiers());
    boolean isFinal = Modifier.isFinal(type.getModifiers());
    String before =
        kind.equals("class")
            ? (type.isSealed() ? "sealed " : "")
                + (isAbstract ? "abstract " : "")
                + (isFinal ? "final " : "")
            : kind.equals("interface") && type.isSealed() ? "sealed " : "";
    String components =
        type.isRecord()
            ? Arrays.stream(type.getRecordComponents())
                .map(ExportedTypes::component)
                .collect(Collectors.joining(", ", "(", ")"))
            : "";
    List<String> supertypes = new ArrayList<>();
    Type superclass = type.getGenericSuperclass();
    if (kind.equals("class") && superclass != null && !superclass.equals(Object.class)) {
      supertypes.add(name(superclass));
    }
    if (!type.isAnnotation()) {
      Arrays.stream(type.getGenericInterfaces()).map(ExportedTypes::name).forEach(supertypes::add);
    }
    return before
        + kind
        + " "
        + type.getName().replace('$', '.')
        + variables(type.getTypeParameters())
        + components
        + (supertypes.isEmpty() ? "" : ": " + String.join(", ", supertypes));
  }

  private static String component(RecordComponent component) {
    return name(component.getGenericType()) + " " + component.getName();
  }

  private static Stream<String> members(Class<?> type) {
    Stream<String> constants =
        type.isEnum()
            ? Arrays.stream(type.getEnumConstants()).map(ExportedTypes::constant)
            : Stream.empty();
    Stream<String> fields =
        Arrays.stream(type.getDeclaredFields())
            .filter(field -> isSeen(field, type) && !field.isEnumConstant())
            .map(ExportedTypes::field);
    Stream<String> constructors =
        Arrays.stream(type.getDeclaredConstructors())
            .filter(made -> isSeen(made, type) && !isCanonical(made, type))
            .map(ExportedTypes::constructor);
    Stream<String> methods =
        Arrays.stream(type.getDeclaredMethods())
            .filter(method -> isSeen(method, type) && !isImplied(method, type))
            .map(ExportedTypes::method);
    return Stream.concat(
        constants, Stream.of(fields, constructors, methods).flatMap(lines -> lines.sorted()));
  }

  private static boolean isSeen(Member member, Class<?> type) {
    return !member.isSynthetic() && isSeen(member.getModifiers(), type);
  }

  private static boolean isSeen(int modifiers, Class<?> type) {
    return Modifier.isPublic(modifiers)
        || (Modifier.isProtected(modifiers) && !Modifier.isFinal(type.getModifiers()));
  }

  private static boolean isCanonical(Constructor<?> constructor, Class<?> type) {
    return type.isRecord()
        && Arrays.equals(
            constructor.getParameterTypes(),
            Arrays.stream(type.getRecordComponents())
                .map(RecordComponent::getType)
                .toArray(Class<?>[]::new));
  }

  /// What every record, every enum or every object has.
  private static boolean isImplied(Method method, Class<?> type) {
    boolean isAccessor =
        type.isRecord()
            && Arrays.stream(type.getRecordComponents())
                .anyMatch(component -> component.getAccessor().equals(method));
    boolean isOfEnum =
        type.isEnum()
            && Modifier.isStatic(method.getModifiers())
            && List.of("values", "valueOf").contains(method.getName());
    boolean isOfObject =
        List.of("equals(Object): boolean", "hashCode(): int", "toString(): String")
            .contains(method(method));
    return isAccessor || isOfEnum || isOfObject;
  }

  private static String constant(Object constant) {
    return ((Enum<?>) constant).name();
  }

  private static String field(Field field) {
    return words(field.getModifiers(), field.getDeclaringClass())
        + field.getName()
        + ": "
        + name(field.getGenericType());
  }

  private static String constructor(Constructor<?> made) {
    return words(made.getModifiers(), made.getDeclaringClass()) + "new" + parameters(made);
  }

  private static String method(Method method) {
    String isDefault = method.isDefault() ? "default " : "";
    return isDefault
        + words(method.getModifiers(), method.getDeclaringClass())
        + variables(method.getTypeParameters())
        + method.getName()
        + parameters(method)
        + ": "
        + name(method.getGenericReturnType());
  }

  private static String words(int modifiers, Class<?> type) {
    return (Modifier.isProtected(modifiers) ? "protected " : "")
        + (Modifier.isStatic(modifiers) ? "static " : "")
        + (Modifier.isAbstract(modifiers) && !type.isInterface() ? "abstract " : "");
  }

  private static String parameters(Executable executable) {
    String thrown =
        Arrays.stream(executable.getGenericExceptionTypes())
            .map(ExportedTypes::name)
            .collect(Collectors.joining(", "));
    return Arrays.stream(executable.getParameters())
            .map(ExportedTypes::parameter)
            .collect(Collectors.joining(", ", "(", ")"))
        + (thrown.isEmpty() ? "" : " throws " + thrown);
  }

  private static String parameter(Parameter parameter) {
    String type = name(parameter.getParameterizedType());
    return parameter.isVarArgs() ? type.replaceFirst("\\[]$", "...") : type;
  }

  private static String variables(TypeVariable<?>[] variables) {
    return variables.length == 0
        ? ""
        : Arrays.stream(variables)
            .map(ExportedTypes::variable)
            .collect(Collectors.joining(", ", "<", ">"));
  }

  private static String variable(TypeVariable<?> variable) {
    Type bound = variable.getBounds()[0];
    return variable.getName() + (bound.equals(Object.class) ? "" : " extends " + name(bound));
  }

  /// Without packages, which the lines of the types have.
  private static String name(Type type) {
    return type.getTypeName().replaceAll("\\b[a-z][a-z0-9]*\\.", "").replace('$', '.');
  }
}
