package io.vpasid.vmm.pasid;

/// Hears what happens to the PASIDs of a function.
@FunctionalInterface
public interface PasidListener {

  /// Called after the fact, on the thread that made the request, with no lock held: it may make
  /// requests itself. What it throws is logged and changes nothing.
  void happened(PasidEvent event);

  /// The end of a listener's interest.
  @FunctionalInterface
  interface Subscription extends AutoCloseable {

    /// Stops the events; one that is under way on another thread may still arrive.
    @Override
    void close();
  }
}
