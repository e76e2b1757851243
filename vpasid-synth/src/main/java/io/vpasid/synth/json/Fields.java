package io.vpasid.synth.json;

import io.vpasid.synth.json.JsonCursor.Place;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One object of a JSON file that has been read by its [Shape].
public final class Fields {
  private record Field(Place place, Object value) {}

  private final JsonCursor json;
  private final Place place;
  private final Shape shape;
  private final Map<Key<?>, Field> fields = new LinkedHashMap<>();

  Fields(JsonCursor json, Place place, Shape shape) {
    this.json = json;
    this.place = place;
    this.shape = shape;
  }

  <T> void read(Key<T> key) {
    Place start = json.place();
    Object value = key.form().read(json, key.toString());
    fields.put(key, new Field(start, value));
  }

  /// True if the object has this key.
  public boolean has(Key<?> key) {
    return fields.containsKey(key);
  }

  /// The keys that the object has, in its order.
  public Set<Key<?>> keys() {
    return fields.keySet();
  }

  /// The value of a key that is required, or has a value where it is left out.
  public <T> T get(Key<T> key) {
    T value = orNull(key);
    if (value == null) {
      throw new IllegalArgumentException(key + " may be left out");
    }
    return value;
  }

  /// The value of a key, if it is there.
  public <T> Optional<T> find(Key<T> key) {
    return Optional.ofNullable(orNull(key));
  }

  /// The value of a key in the object that another key has, which may be left out altogether.
  public <T> Optional<T> find(Key<Fields> object, Key<T> key) {
    return find(object)
        .map(fields -> fields.find(key))
        .orElseGet(() -> Optional.ofNullable(key.otherwise()));
  }

  /// Likewise, for a key that has a value where it is left out.
  public <T> T get(Key<Fields> object, Key<T> key) {
    return find(object, key)
        .orElseThrow(() -> new IllegalArgumentException(key + " may be left out"));
  }

  // A field is put by its own key alone.
  @SuppressWarnings("unchecked")
  private <T> @Nullable T orNull(Key<T> key) {
    Field field = fields.get(key);
    return field == null ? key.otherwise() : (T) field.value;
  }

  /// The place where the object starts.
  public Place place() {
    return place;
  }

  /// Where the value of a key starts; where the object does, if it has none.
  public Place place(Key<?> key) {
    Field field = fields.get(key);
    return field == null ? place : field.place;
  }

  /// The name of the object in messages.
  public String subject() {
    return shape.subject(this);
  }

  /// For an object that cannot be used.
  ///
  /// @param problem what is wrong and what to do about it
  public JsonFileException wrong(String problem) {
    return json.wrong(place, problem);
  }

  /// For a key that cannot be used.
  public JsonFileException wrong(Key<?> key, String problem) {
    return json.wrong(place(key), problem);
  }

  /// Checks something of the whole object.
  public void require(boolean holds, String problem) {
    if (!holds) {
      throw wrong(problem);
    }
  }
}
