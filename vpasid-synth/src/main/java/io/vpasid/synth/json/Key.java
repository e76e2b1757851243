package io.vpasid.synth.json;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/// A key of an object in a JSON file, a row of its [Shape].
///
/// @param <T> what its value is read as
public final class Key<T> {
  private final String name;
  private final Form<T> form;
  private final String description;
  private final Optional<String> advice;
  private final @Nullable T otherwise;
  private final @Nullable Object shown;

  private Key(
      String name,
      Form<T> form,
      String description,
      Optional<String> advice,
      @Nullable T otherwise,
      @Nullable Object shown) {
    this.name = name;
    this.form = form;
    this.description = description;
    this.advice = advice;
    this.otherwise = otherwise;
    this.shown = shown;
  }

  /// A key that may be left out.
  ///
  /// @param description what it says, in sentences; empty if its form says it
  public static <T> Key<T> of(String name, Form<T> form, String description) {
    return new Key<>(name, form, description, Optional.empty(), null, null);
  }

  /// The same, which must be there.
  ///
  /// @param advice what to do if it is not, for the message
  public Key<T> required(String advice) {
    return new Key<>(name, form, description, Optional.of(advice), null, null);
  }

  /// The same, which has this value if it is left out.
  public Key<T> or(T value) {
    return new Key<>(name, form, description, advice, value, null);
  }

  /// Likewise.
  ///
  /// @param written how a file would say that value
  public Key<T> or(T value, Object written) {
    return new Key<>(name, form, description, advice, value, written);
  }

  /// The key as it is written, without quotes.
  public String name() {
    return name;
  }

  /// The form that its value must have.
  Form<T> form() {
    return form;
  }

  /// The meaning, in sentences.
  public String description() {
    return description;
  }

  /// True if it must be there.
  public boolean isRequired() {
    return advice.isPresent();
  }

  String advice() {
    return advice.orElse("");
  }

  @Nullable T otherwise() {
    return otherwise;
  }

  /// The JSON Schema of its value, without the schemas that it refers to.
  public ObjectNode describe() {
    return describe(new JsonSchema());
  }

  ObjectNode describe(JsonSchema schema) {
    ObjectNode node = JsonSchema.node();
    if (!description.isEmpty()) {
      node.put("description", description);
    }
    node.setAll(form.describe(schema));
    if (!description.isEmpty()) {
      node.put("description", description);
    }
    if (shown != null) {
      node.set("default", JsonSchema.value(shown));
    }
    return node;
  }

  @Override
  public String toString() {
    return '"' + name + '"';
  }
}
