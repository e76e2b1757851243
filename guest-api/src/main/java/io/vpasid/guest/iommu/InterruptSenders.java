package io.vpasid.guest.iommu;

import io.vpasid.guest.vfiouser.Outcome;
import io.vpasid.guest.vfiouser.VfioUserPeer;
import io.vpasid.vmm.frontend.vtd.InterruptMessages;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Sends a unit's event interrupts: as the unit's own function, or as a function behind it.
///
/// An interrupt message is a write to memory, so a client lets only a function write it whose Bus
/// Master Enable is set. A real unit is no function and needs no such bit, so no driver sets it for
/// the unit's; functions behind it have drivers. Without interrupt remapping it does not matter
/// which function a message is from.
final class InterruptSenders implements InterruptMessages {
  private static final Logger LOG = LoggerFactory.getLogger(InterruptSenders.class);

  private final List<Supplier<Optional<VfioUserPeer>>> functions = new CopyOnWriteArrayList<>();
  private volatile @Nullable VfioUserPeer unit;

  void unitIs(VfioUserPeer peer) {
    unit = peer;
  }

  void unitIsGone() {
    unit = null;
  }

  /// A function behind the unit may send too.
  void add(Supplier<Optional<VfioUserPeer>> function) {
    functions.add(function);
  }

  @Override
  public void send(long address, int data) {
    List<VfioUserPeer> senders = new ArrayList<>();
    VfioUserPeer its = unit;
    if (its != null) {
      senders.add(its);
    }
    functions.forEach(function -> function.get().ifPresent(senders::add));
    send(address, data, senders.iterator());
  }

  private static void send(long address, int data, Iterator<VfioUserPeer> senders) {
    if (!senders.hasNext()) {
      LOG.debug("Nobody can send the message 0x{} to the guest.", Integer.toHexString(data));
      return;
    }
    var _ =
        senders
            .next()
            .writeMessage(address, data)
            .thenAccept(outcome -> {
              if (outcome instanceof Outcome.Failed) {
                send(address, data, senders);
              }
            });
  }
}
