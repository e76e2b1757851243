package io.vpasid.vmm.frontend.vtd;

import java.util.concurrent.locks.ReentrantLock;

/// The lock of the registers, which sends the messages of their events once it is released: no lock
/// is held while a message is under way.
final class RegisterLock {
  private final ReentrantLock lock = new ReentrantLock();
  private final InterruptMessages messages;

  final EventRegisters fault = new EventRegisters();
  final EventRegisters invalidation = new EventRegisters();
  final EventRegisters pageRequest = new EventRegisters();

  RegisterLock(InterruptMessages messages) {
    this.messages = messages;
  }

  void lock() {
    lock.lock();
  }

  /// Releases the lock where no event can have been raised.
  void unlock() {
    lock.unlock();
  }

  /// Releases the lock, and sends what has been raised under it.
  void unlockAndSend() {
    boolean unsent = fault.hasUnsent() || invalidation.hasUnsent() || pageRequest.hasUnsent();
    lock.unlock();
    if (unsent) {
      send(fault);
      send(invalidation);
      send(pageRequest);
    }
  }

  private void send(EventRegisters event) {
    long address;
    int data;
    lock.lock();
    try {
      if (!event.hasUnsent()) {
        return;
      }
      event.sent();
      address = event.messageAddress();
      data = event.messageData();
    } finally {
      lock.unlock();
    }
    messages.send(address, data);
  }
}
