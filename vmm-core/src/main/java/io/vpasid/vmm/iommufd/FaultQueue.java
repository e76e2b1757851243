package io.vpasid.vmm.iommufd;

import java.time.Duration;
import java.util.List;

/// An open queue of page faults: the file of IOMMU_FAULT_QUEUE_ALLOC.
///
/// Faults of a page request group are read together and answered with one response. Safe to use
/// from several threads. After [#close] reading and responding fail with EBADF.
public interface FaultQueue extends AutoCloseable {

  /// The queue's id in the context.
  FaultId id();

  /// Waits until a group of faults can be read.
  ///
  /// @return whether one can; false after the timeout
  boolean await(Duration timeout);

  /// Reads as many whole groups as there are and as fit.
  ///
  /// @param maxFaults room for so many faults
  /// @return the faults, oldest group first; empty if no group waits
  /// @throws IommufdException EINVAL the first group does not fit; its request is `read`
  List<PageFault> read(int maxFaults);

  /// Answers groups that were read.
  ///
  /// @return number of responses taken: all, or those before the first bad one
  /// @throws IommufdException EINVAL the first response names no open group, or its code is
  ///   unknown; its request is `write`
  int respond(List<PageResponse> responses);

  /// Closes the file. The object stays until it is destroyed. Closing again does nothing.
  @Override
  void close();
}
