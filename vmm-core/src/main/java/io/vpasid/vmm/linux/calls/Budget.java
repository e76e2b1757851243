package io.vpasid.vmm.linux.calls;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/// How many of something there may be, such as mappings or descriptors, and how many there are.
///
/// Of a process's budget each peer has a share with a limit of its own: what the peer takes counts
/// in both, so that no peer takes everything, and all of them together leave the process what it
/// needs for itself. For any number of threads.
public final class Budget {
  private final long most;
  private final Optional<Budget> whole;
  private final AtomicLong taken = new AtomicLong();

  private Budget(long most, Optional<Budget> whole) {
    this.most = most;
    this.whole = whole;
  }

  /// A budget of its own.
  ///
  /// @param most how many there may be, at least 0
  public static Budget of(long most) {
    return new Budget(most, Optional.empty());
  }

  /// A part of this budget.
  ///
  /// @param most how many may be taken of it, however many are left of the whole
  Budget share(long most) {
    return new Budget(most, Optional.of(this));
  }

  /// Takes some.
  ///
  /// @param amount at least 0
  /// @return false if there are not so many left; nothing is taken then
  public boolean take(long amount) {
    long before;
    do {
      before = taken.get();
      if (amount > most - before) {
        return false;
      }
    } while (!taken.compareAndSet(before, before + amount));
    if (whole.isPresent() && !whole.get().take(amount)) {
      taken.addAndGet(-amount);
      return false;
    }
    return true;
  }

  /// Gives some back that were taken.
  public void giveBack(long amount) {
    taken.addAndGet(-amount);
    whole.ifPresent(budget -> budget.giveBack(amount));
  }

  /// The number that is taken.
  public long taken() {
    return taken.get();
  }

  /// The most that there may be.
  public long most() {
    return most;
  }
}
