package io.vpasid.vmm.linux.calls;

import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/// Every structure and request of this package, found by reflection, so that none is forgotten.
final class Structs {
  private Structs() {}

  static List<Struct> all() {
    return constants("STRUCT").map(Struct.class::cast).toList();
  }

  static List<IoctlRequest> requests() {
    return constants("REQUEST").map(IoctlRequest.class::cast).toList();
  }

  /// The members of a structure as `offset:width name`.
  static List<String> members(Struct struct) {
    return struct.layout().memberLayouts().stream()
        .map(member -> member.name().orElseThrow())
        .map(name -> {
          io.vpasid.vmm.linux.calls.Field field = struct.field(name);
          return field.offset() + ":" + field.width() + " " + name;
        })
        .toList();
  }

  private static Stream<Object> constants(String name) {
    return Stream.of(IommufdUapi.class, VfioUapi.class)
        .flatMap(header -> Arrays.stream(header.getDeclaredClasses()))
        .flatMap(type -> Arrays.stream(type.getDeclaredFields()))
        .filter(field -> field.getName().equals(name))
        .map(Structs::value);
  }

  private static Object value(Field field) {
    try {
      return field.get(null);
    } catch (IllegalAccessException e) {
      throw new AssertionError(e);
    }
  }
}
