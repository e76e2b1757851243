package io.vpasid.guest.cli.serve;

import io.vpasid.guest.config.InputException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;

/// The standard input of a tenant's process: whoever started it sends the part of the configuration
/// in the first line, and keeps the input open as long as the process is to serve.
final class PartInput {
  /// Most bytes of a part.
  static final int MAX_PART = 16 << 20;

  private PartInput() {}

  /// The first line, without its newline.
  ///
  /// @throws InputException if there is none
  static byte[] firstLine() {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    try {
      for (int next = System.in.read(); next != '\n'; next = System.in.read()) {
        if (next < 0 || line.size() == MAX_PART) {
          throw new InputException("the input is no part of a configuration in one line");
        }
        line.write(next);
      }
    } catch (IOException e) {
      throw new InputException("the input cannot be read: " + e.getMessage());
    }
    return line.toByteArray();
  }

  /// Does something when the input ends.
  static void atEnd(Runnable end) {
    Thread.ofPlatform()
        .daemon()
        .name("input")
        .start(() -> {
          try {
            while (System.in.read() >= 0) {
              // Nothing more is said.
            }
          } catch (IOException _) {
            // That is an end too.
          }
          end.run();
        });
  }
}
