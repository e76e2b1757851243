package io.vpasid.guest.cli.terminal;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Optional;

/// The standard output of the process, which remembers that something could not be written: a
/// writer above it keeps silent about that, and a result that is cut off must not look like one.
public final class StandardOutput extends OutputStream {
  private final OutputStream target = new FileOutputStream(FileDescriptor.out);
  private volatile Optional<IOException> failure = Optional.empty();

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      target.write(bytes, offset, length);
    } catch (IOException e) {
      if (failure.isEmpty()) {
        failure = Optional.of(e);
      }
      throw e;
    }
  }

  /// The reason why something could not be written. A reader that has seen enough and has gone, as
  /// `head` does, is no failure.
  public Optional<IOException> failure() {
    return failure.filter(_ -> !Terminal.leadsToReader(1));
  }
}
