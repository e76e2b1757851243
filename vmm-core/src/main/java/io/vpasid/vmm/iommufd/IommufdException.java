package io.vpasid.vmm.iommufd;

import io.vpasid.vmm.linux.Errno;

/// A request that the kernel, or the simulator in its place, refused.
///
/// The message is a sentence with the request, its arguments and the error:
/// `VFIO_DEVICE_ATTACH_IOMMUFD_PT (device 0000:6a:01.0, PASID 7, HWPT 3) failed with EINVAL (22).`
/// A failed request has changed nothing unless the method that threw says otherwise.
public final class IommufdException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int number;
  private final int completed;

  /// A refused request of which nothing was done.
  ///
  /// @param errno why it was refused
  /// @param request name of the request in the uAPI, such as `IOMMU_HWPT_ALLOC`
  /// @param arguments the arguments as a person reads them, such as `IOAS 1, device 2`; may be
  ///   empty
  public IommufdException(Errno errno, String request, String arguments) {
    this(errno, request, arguments, 0);
  }

  /// A refused request of which a part was done.
  ///
  /// @param errno why it was refused
  /// @param request name of the request in the uAPI
  /// @param arguments the arguments as a person reads them; may be empty
  /// @param completed number of entries that took effect
  public IommufdException(Errno errno, String request, String arguments, int completed) {
    super(
        request
            + (arguments.isEmpty() ? "" : " (" + arguments + ")")
            + " failed with "
            + errno
            + " ("
            + errno.number()
            + ").");
    this.number = errno.number();
    this.completed = completed;
  }

  /// The reason why the request was refused.
  public Errno errno() {
    return new Errno(number);
  }

  /// The message as a part of a sentence, without its full stop.
  public String reason() {
    String message = String.valueOf(getMessage());
    return message.substring(0, message.length() - 1);
  }

  /// Number of entries that took effect before the failing one; 0 for requests without entries.
  public int completed() {
    return completed;
  }
}
