package io.vpasid.synth.json;

import io.vpasid.synth.json.JsonCursor.Place;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// The table of one kind of object in JSON files: its keys, each with the form of its value,
/// whether it is required and what it means, and the rules that tie keys together.
///
/// Reader, schema and documents are made of it, so a new key is a new row:
///
/// ```java
/// static final Key<Integer> WIDTH =
///     Key.of("width", Form.integer(1, 20), "Max PASID Width.").required("add 1 to 20");
/// static final Key<Boolean> EXEC = Key.of("exec", Form.bool(), "").or(false);
/// static final Shape PASID = Shape.of("\"pasid\"", WIDTH, EXEC);
///
/// Fields pasid = PASID.read(json, "\"pasid\"");
/// int width = pasid.get(WIDTH);
/// ```
public final class Shape implements Form<Fields> {
  private final String what;
  private final String noun;
  private final Optional<Key<String>> id;
  private final Map<String, Key<?>> keys;
  private final List<Rule> rules;

  private Shape(
      String what, String noun, Optional<Key<String>> id, List<Key<?>> keys, List<Rule> rules) {
    this.what = what;
    this.noun = noun;
    this.id = id;
    this.keys = new LinkedHashMap<>();
    keys.forEach(key -> this.keys.put(key.name(), key));
    this.rules = List.copyOf(rules);
  }

  /// An object with these keys and no others.
  ///
  /// @param what how messages call it: with its article, or its key in quotes
  public static Shape of(String what, Key<?>... keys) {
    return new Shape(
        what, what.replaceFirst("^an? ", ""), Optional.empty(), List.of(keys), List.of());
  }

  /// The same, which messages call by another noun once they know that it is an object.
  public Shape as(String otherNoun) {
    return new Shape(what, otherNoun, id, keys(), rules);
  }

  /// The same, which messages call by the value of a key as soon as it has one.
  public Shape calledBy(Key<String> key) {
    return new Shape(what, noun, Optional.of(key), keys(), rules);
  }

  /// The same with one more rule.
  public Shape with(Rule rule) {
    List<Rule> more = new ArrayList<>(rules);
    more.add(rule);
    return new Shape(what, noun, id, keys(), more);
  }

  Shape after(List<Key<?>> first) {
    List<Key<?>> all = new ArrayList<>(first);
    all.addAll(keys());
    return new Shape(what, noun, id, all, rules);
  }

  /// Its keys, in the order of the table.
  public List<Key<?>> keys() {
    return List.copyOf(keys.values());
  }

  /// How messages call an object of this shape, such as `the BAR` or `quirk "acme"`.
  String subject(Fields fields) {
    return id.flatMap(fields::find)
        .map(name -> noun + " " + JsonCursor.quote(name))
        .orElse(noun.startsWith("\"") ? noun : "the " + noun);
  }

  @Override
  public Fields read(JsonCursor json, String ignored) {
    return read(json, json.place());
  }

  /// Reads an object of which messages say that it is at `place`.
  public Fields read(JsonCursor json, Place place) {
    Fields fields = fill(json, place);
    check(fields);
    return fields;
  }

  /// Reads an object that may lack something.
  Fields fill(JsonCursor json, Place place) {
    Fields fields = new Fields(json, place, this);
    json.object(
        what,
        List.copyOf(keys.keySet()),
        name -> {
          Key<?> key = keys.get(name);
          if (key != null) {
            fields.read(key);
          }
        });
    return fields;
  }

  void check(Fields fields) {
    for (Key<?> key : keys.values()) {
      if (key.isRequired() && !fields.has(key)) {
        throw fields.wrong("%s has no %s; %s".formatted(subject(fields), key, key.advice()));
      }
    }
    rules.forEach(rule -> rule.check(fields));
  }

  @Override
  public ObjectNode describe(JsonSchema schema) {
    ObjectNode node = JsonSchema.node().put("type", "object").put("additionalProperties", false);
    List<String> required = keys().stream().filter(Key::isRequired).map(Key::name).toList();
    if (!required.isEmpty()) {
      node.set("required", JsonSchema.list(required));
    }
    rules.forEach(rule -> rule.describe(node));
    ObjectNode properties = JsonSchema.node();
    keys.forEach((name, key) -> properties.set(name, key.describe(schema)));
    return node.set("properties", properties);
  }
}
