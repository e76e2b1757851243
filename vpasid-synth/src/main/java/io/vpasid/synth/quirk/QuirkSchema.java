package io.vpasid.synth.quirk;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/// The JSON Schema (draft 2020-12) of quirk files, for editors and other tools.
public final class QuirkSchema {
  private QuirkSchema() {}

  /// The schema's text.
  public static String text() {
    try (InputStream in = QuirkSchema.class.getResourceAsStream("quirks.schema.json")) {
      if (in == null) {
        throw new IllegalStateException("This library is incomplete: no quirks.schema.json");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("This library cannot be read: quirks.schema.json", e);
    }
  }
}
