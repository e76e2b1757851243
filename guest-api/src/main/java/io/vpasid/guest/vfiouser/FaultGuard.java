package io.vpasid.guest.vfiouser;

import io.vpasid.vmm.linux.Errno;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Stands between a session and the bugs of its device: what the device throws becomes EIO.
final class FaultGuard {
  private static final Logger LOG = LoggerFactory.getLogger(FaultGuard.class);

  static final Outcome FAULT = Outcome.refused(Errno.EIO, "The device failed.");

  private boolean faultLogged;

  Outcome guarded(String what, Supplier<Outcome> call) {
    try {
      return call.get();
    } catch (RuntimeException e) {
      logFault(what, e);
      return FAULT;
    }
  }

  void guarded(String what, Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      logFault(what, e);
    }
  }

  /// A client may make a fault happen as often as it likes, so it is told of once.
  void logFault(String what, RuntimeException fault) {
    if (faultLogged) {
      LOG.debug("The device failed again at {}.", what, fault);
    } else {
      faultLogged = true;
      LOG.error("The device failed at {}.", what, fault);
    }
  }
}
