package io.vpasid.pci.dump;

/// A configuration space that exists, but may not be read here: permissions, a missing capability
/// of the process, no sysfs. Nothing is wrong with the input; the message says how to fix it.
public final class DumpAccessException extends DumpException {
  private static final long serialVersionUID = 1L;

  DumpAccessException(String source, String problem) {
    super(source, 0, problem);
  }

  DumpAccessException(String source, String problem, Throwable cause) {
    super(source, problem, cause);
  }
}
