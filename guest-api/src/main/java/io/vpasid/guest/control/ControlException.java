package io.vpasid.guest.control;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.vpasid.vmm.linux.Errno;
import java.util.Optional;

/// A control command was not done: the `error` of its reply.
///
/// The message is the `desc`: one line that says what and what to do.
public final class ControlException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /// The error classes, named as in QMP.
  public enum Kind {
    /// Everything without a class of its own.
    GENERIC("GenericError"),
    /// There is no such command, or none is taken yet.
    COMMAND_NOT_FOUND("CommandNotFound"),
    /// There is no such function.
    FUNCTION_NOT_FOUND("DeviceNotFound");

    private final String title;

    Kind(String title) {
      this.title = title;
    }

    /// The class as it stands in the reply.
    public String title() {
      return title;
    }

    /// The class of a title; [#GENERIC] for one that is not known here.
    static Kind titled(String title) {
      for (Kind kind : values()) {
        if (kind.title.equals(title)) {
          return kind;
        }
      }
      return GENERIC;
    }
  }

  private final Kind kind;
  private final String errno;

  /// @param message one line
  public ControlException(Kind kind, String message) {
    this(kind, message, "");
  }

  /// @param errno the name of the error that the host's kernel, or what stands in its place, gave
  ///   as the reason; empty if there is none
  ControlException(Kind kind, String message, String errno) {
    super(message);
    this.kind = kind;
    this.errno = errno;
  }

  /// An error whose reason is an errno.
  public static ControlException because(Errno errno, String message) {
    return new ControlException(Kind.GENERIC, message, errno.name());
  }

  /// An error without a class of its own.
  public static ControlException generic(String message) {
    return new ControlException(Kind.GENERIC, message);
  }

  /// The error's class.
  public Kind kind() {
    return kind;
  }

  /// The error's `errno`; empty if the error has none, or one without a name.
  public Optional<Errno> errno() {
    return Errno.named(errno);
  }

  /// The `error` of a reply.
  ///
  /// @param kind the title of its class
  /// @param desc its message
  /// @param errno the name of the errno that is the reason, if one is
  public record Reason(@JsonProperty("class") String kind, String desc, Optional<String> errno) {}

  /// The error as its reply has it.
  public Reason reason() {
    return new Reason(kind.title(), desc(), Optional.of(errno).filter(name -> !name.isEmpty()));
  }

  /// The error's `desc`.
  public String desc() {
    return String.valueOf(getMessage());
  }
}
