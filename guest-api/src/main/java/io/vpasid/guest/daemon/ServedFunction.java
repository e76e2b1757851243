package io.vpasid.guest.daemon;

import io.vpasid.guest.config.FunctionConfig;
import io.vpasid.guest.device.FunctionDevice;
import io.vpasid.guest.host.Backing;
import io.vpasid.guest.vfiouser.VfioUserPeer;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.vmm.PassthroughFunction;
import io.vpasid.vmm.frontend.mailbox.RequestMailbox;
import io.vpasid.vmm.iommufd.IommufdBackend;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;

/// A function that is served.
///
/// @param config what was asked for
/// @param backing what stands behind it
/// @param mailbox through which its guest asks for attachments, if it has one
/// @param counters what is counted of it
record ServedFunction(
    FunctionConfig config, Backing backing, Optional<RequestMailbox> mailbox, Counters counters) {

  /// A function of which nothing has been counted yet.
  ServedFunction(FunctionConfig config, Backing backing, Optional<RequestMailbox> mailbox) {
    this(config, backing, mailbox, new Counters());
  }

  /// Counts of a function, for the metrics.
  ///
  /// @param clients that have had its device
  /// @param attached requests that attached or moved a PASID
  /// @param detached requests that detached one
  /// @param refused requests that were refused
  /// @param resets resets
  record Counters(
      LongAdder clients,
      LongAdder attached,
      LongAdder detached,
      LongAdder refused,
      LongAdder resets) {
    Counters() {
      this(new LongAdder(), new LongAdder(), new LongAdder(), new LongAdder(), new LongAdder());
    }
  }

  String name() {
    return config.name();
  }

  /// The function as its source shows it.
  HostFunction captured() {
    return backing.captured();
  }

  PassthroughFunction function() {
    return backing.function();
  }

  /// The context that it is bound to.
  IommufdBackend iommufd() {
    return backing.iommufd();
  }

  PciAddress address() {
    return captured().address();
  }

  /// The device that its vfio-user socket serves.
  FunctionDevice device() {
    return backing.device();
  }

  Optional<VfioUserPeer> peer() {
    return device().client();
  }
}
