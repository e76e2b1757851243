package io.vpasid.vmm.linux;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/// A Linux error number, as a failed request leaves it in `errno`.
///
/// Numbers are those of the generic Linux table (x86-64, arm64, riscv). A number without a constant
/// here is an ordinary value; nothing is refused and nothing is lost.
///
/// @param number the positive number; 0 means no error and never comes from a failed request
public record Errno(int number) {
  private static final Map<Integer, String> NAMES = new TreeMap<>();

  /// Operation not permitted.
  public static final Errno EPERM = named(1, "EPERM");

  /// No such object.
  public static final Errno ENOENT = named(2, "ENOENT");

  /// Interrupted before anything was done.
  public static final Errno EINTR = named(4, "EINTR");

  /// Input/output error.
  public static final Errno EIO = named(5, "EIO");

  /// A structure is longer than the kernel knows and its tail is not zero.
  public static final Errno E2BIG = named(7, "E2BIG");

  /// No open file descriptor.
  public static final Errno EBADF = named(9, "EBADF");

  /// Try again.
  public static final Errno EAGAIN = named(11, "EAGAIN");

  /// No memory, or beyond a limit of locked memory.
  public static final Errno ENOMEM = named(12, "ENOMEM");

  /// Permission denied.
  public static final Errno EACCES = named(13, "EACCES");

  /// Bad address.
  public static final Errno EFAULT = named(14, "EFAULT");

  /// In use.
  public static final Errno EBUSY = named(16, "EBUSY");

  /// Exists already.
  public static final Errno EEXIST = named(17, "EEXIST");

  /// No such device.
  public static final Errno ENODEV = named(19, "ENODEV");

  /// Invalid argument.
  public static final Errno EINVAL = named(22, "EINVAL");

  /// Too many open files.
  public static final Errno EMFILE = named(24, "EMFILE");

  /// The file knows no such request.
  public static final Errno ENOTTY = named(25, "ENOTTY");

  /// No room left.
  public static final Errno ENOSPC = named(28, "ENOSPC");

  /// Read or write at a position, or of a length, that the file does not have.
  public static final Errno ESPIPE = named(29, "ESPIPE");

  /// A value does not fit its type.
  public static final Errno EOVERFLOW = named(75, "EOVERFLOW");

  /// The file descriptor is of another kind.
  public static final Errno EBADFD = named(77, "EBADFD");

  /// The buffer is too small for the answer.
  public static final Errno EMSGSIZE = named(90, "EMSGSIZE");

  /// Not supported.
  public static final Errno EOPNOTSUPP = named(95, "EOPNOTSUPP");

  /// The address range is taken.
  public static final Errno EADDRINUSE = named(98, "EADDRINUSE");

  /// Not connected, or no longer.
  public static final Errno ENOTCONN = named(107, "ENOTCONN");

  /// The error of a symbolic name such as `EINVAL`; empty for a name without a constant here.
  public static Optional<Errno> named(String name) {
    return NAMES.entrySet().stream()
        .filter(entry -> entry.getValue().equals(name))
        .map(entry -> new Errno(entry.getKey()))
        .findFirst();
  }

  /// All that have a constant here, by ascending number.
  public static List<Errno> all() {
    return NAMES.keySet().stream().map(Errno::new).toList();
  }

  private static Errno named(int number, String name) {
    NAMES.put(number, name);
    return new Errno(number);
  }

  /// The symbolic name, `EINVAL`; `errno 200` for a number that has none here.
  public String name() {
    String name = NAMES.get(number);
    return name == null ? "errno " + number : name;
  }

  /// Same as [#name].
  @Override
  public String toString() {
    return name();
  }
}
