package io.vpasid.synth.json;

import java.util.function.Consumer;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/// Condition on the keys of an object together.
public interface Rule {
  /// Checks an object.
  ///
  /// @throws JsonFileException if it is not true of it
  void check(Fields fields);

  /// Adds it to what a JSON Schema says of the object.
  void describe(ObjectNode object);

  /// A rule of its own.
  ///
  /// @param schema what a JSON Schema says: the members of an object
  static Rule of(Consumer<Fields> check, String schema) {
    return new Rule() {
      @Override
      public void check(Fields fields) {
        check.accept(fields);
      }

      @Override
      public void describe(ObjectNode object) {
        object.setAll(JsonSchema.parse(schema));
      }
    };
  }

  /// At least one of the keys is there.
  ///
  /// @param none what is wrong if not, behind the name of the object
  static Rule anyOf(String none, Key<?>... keys) {
    return of(
        fields ->
            fields.require(Stream.of(keys).anyMatch(fields::has), fields.subject() + " " + none),
        "{ \"anyOf\": " + alternatives(keys) + " }");
  }

  /// Exactly one of the keys is there.
  ///
  /// @param none what is wrong if there is none, behind the name of the object
  /// @param several likewise if there are more
  static Rule oneOf(String none, String several, Key<?>... keys) {
    return of(
        fields -> {
          long there = Stream.of(keys).filter(fields::has).count();
          fields.require(there > 0, fields.subject() + " " + none);
          fields.require(there == 1, fields.subject() + " " + several);
        },
        "{ \"oneOf\": " + alternatives(keys) + " }");
  }

  private static String alternatives(Key<?>... keys) {
    return Stream.of(keys).map(key -> "{ \"required\": [" + key + "] }").toList().toString();
  }

  /// A key is there only with another.
  ///
  /// @param problem what is wrong if not, behind the name of the object
  static Rule needs(Key<?> key, Key<?> other, String problem) {
    return of(
        fields ->
            fields.require(!fields.has(key) || fields.has(other), fields.subject() + " " + problem),
        "{ \"dependentRequired\": { %s: [%s] } }".formatted(key, other));
  }
}
