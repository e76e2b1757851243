package io.vpasid.vmm.iommufd;

import java.util.Map;
import java.util.Optional;

/// A Linux error number, as a failed request leaves it in `errno`.
///
/// Numbers are those of the generic Linux table (x86-64, arm64, riscv). A number without a constant
/// here is an ordinary value; nothing is refused and nothing is lost.
///
/// @param number the positive number; 0 means no error and never comes from a failed request
public record Errno(int number) {
  /// Operation not permitted.
  public static final Errno EPERM = new Errno(1);

  /// No such object.
  public static final Errno ENOENT = new Errno(2);

  /// Interrupted before anything was done.
  public static final Errno EINTR = new Errno(4);

  /// Input/output error.
  public static final Errno EIO = new Errno(5);

  /// A structure is longer than the kernel knows and its tail is not zero.
  public static final Errno E2BIG = new Errno(7);

  /// No open file descriptor.
  public static final Errno EBADF = new Errno(9);

  /// Try again.
  public static final Errno EAGAIN = new Errno(11);

  /// No memory, or beyond a limit of locked memory.
  public static final Errno ENOMEM = new Errno(12);

  /// Permission denied.
  public static final Errno EACCES = new Errno(13);

  /// Bad address.
  public static final Errno EFAULT = new Errno(14);

  /// In use.
  public static final Errno EBUSY = new Errno(16);

  /// Exists already.
  public static final Errno EEXIST = new Errno(17);

  /// No such device.
  public static final Errno ENODEV = new Errno(19);

  /// Invalid argument.
  public static final Errno EINVAL = new Errno(22);

  /// Too many open files.
  public static final Errno EMFILE = new Errno(24);

  /// The file knows no such request.
  public static final Errno ENOTTY = new Errno(25);

  /// No room left.
  public static final Errno ENOSPC = new Errno(28);

  /// Read or write at a position, or of a length, that the file does not have.
  public static final Errno ESPIPE = new Errno(29);

  /// A value does not fit its type.
  public static final Errno EOVERFLOW = new Errno(75);

  /// The file descriptor is of another kind.
  public static final Errno EBADFD = new Errno(77);

  /// The buffer is too small for the answer.
  public static final Errno EMSGSIZE = new Errno(90);

  /// Not supported.
  public static final Errno EOPNOTSUPP = new Errno(95);

  /// The address range is taken.
  public static final Errno EADDRINUSE = new Errno(98);

  /// Not connected, or no longer.
  public static final Errno ENOTCONN = new Errno(107);

  private static final Map<Integer, String> NAMES =
      Map.ofEntries(
          Map.entry(1, "EPERM"),
          Map.entry(2, "ENOENT"),
          Map.entry(4, "EINTR"),
          Map.entry(5, "EIO"),
          Map.entry(7, "E2BIG"),
          Map.entry(9, "EBADF"),
          Map.entry(11, "EAGAIN"),
          Map.entry(12, "ENOMEM"),
          Map.entry(13, "EACCES"),
          Map.entry(14, "EFAULT"),
          Map.entry(16, "EBUSY"),
          Map.entry(17, "EEXIST"),
          Map.entry(19, "ENODEV"),
          Map.entry(22, "EINVAL"),
          Map.entry(24, "EMFILE"),
          Map.entry(25, "ENOTTY"),
          Map.entry(28, "ENOSPC"),
          Map.entry(29, "ESPIPE"),
          Map.entry(75, "EOVERFLOW"),
          Map.entry(77, "EBADFD"),
          Map.entry(90, "EMSGSIZE"),
          Map.entry(95, "EOPNOTSUPP"),
          Map.entry(98, "EADDRINUSE"),
          Map.entry(107, "ENOTCONN"));

  /// The error of a symbolic name such as `EINVAL`; empty for a name without a constant here.
  public static Optional<Errno> named(String name) {
    return NAMES.entrySet().stream()
        .filter(entry -> entry.getValue().equals(name))
        .map(entry -> new Errno(entry.getKey()))
        .findFirst();
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
