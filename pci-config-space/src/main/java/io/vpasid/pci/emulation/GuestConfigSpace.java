package io.vpasid.pci.emulation;

import io.vpasid.pci.ConfigSpace;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The configuration space that the guest reads and writes.
///
/// Each dword is the device's, or ours in the bits that a [ConfigPatch] names. An access of 1, 2 or
/// 4 bytes at any offset is split at dword borders. Bytes that are wholly ours never reach the
/// device; bytes that are ours in part are read from it but never written, because writing the
/// others back could trigger registers that clear on 1. A read outside the space gives all ones and
/// a write there is dropped, as on a bus where nobody answers.
///
/// A view is a device itself, so views stack: an emulated function below, what is patched over it
/// above.
///
/// Any number of vCPU threads may call at once. Reads and writes allocate nothing and take no lock.
public final class GuestConfigSpace implements DeviceConfig {

  private static final VarHandle DWORD = MethodHandles.arrayElementVarHandle(int[].class);
  private static final int ALL = -1;

  private final DeviceConfig device;
  private final int size;

  /// The dwords that have bits of ours, a bit for each, and how many of them come before each word
  /// of these. There are few in 4096 bytes, and thousands of views: what is known of a dword lies
  /// in arrays that have an element for each of these only, its slot.
  private final long[] ours;

  private final int[] slotsBefore;

  /// The dwords without a slot that are wholly ours: read-only, and as the device has them unless
  /// [#set] changed them.
  private final BitSet plain;

  /// Per slot: the bits that are ours, and what a reset makes of them.
  private final int[] mask;

  private final int[] initial;
  private final int[] writable;
  private final int[] writeOneToClear;
  private final int[] sticky;

  /// Our bits as they are now: per dword if they answer every read, else per slot. Bits outside the
  /// mask are 0, or those of a device that never changes.
  private final int[] bits;

  /// [#bits] where they alone answer every read, otherwise no dwords at all: so that one comparison
  /// says whether they answer a read, wherever it goes.
  private final int[] answers;

  private final @Nullable Rule[] rules;
  private final @Nullable WriteObserver[] observers;
  private final @Nullable ResetCondition[] resets;
  private final Runnable[] resetListeners;

  private GuestConfigSpace(Builder builder) {
    device = builder.device;
    size = builder.device.size();
    int dwords = builder.mask.length;
    plain = device instanceof ReadOnlyConfig ? builder.plain() : new BitSet();
    int[] slots =
        IntStream.range(0, dwords).filter(i -> builder.mask[i] != 0 && !plain.get(i)).toArray();
    ours = new long[(dwords + 63) >>> 6];
    for (int index : slots) {
      ours[index >>> 6] |= 1L << index;
    }
    slotsBefore = new int[ours.length];
    for (int i = 1; i < ours.length; i++) {
      slotsBefore[i] = slotsBefore[i - 1] + Long.bitCount(ours[i - 1]);
    }
    mask = pick(builder.mask, slots);
    initial = pick(builder.initial, slots);
    writable = pick(builder.writable, slots);
    writeOneToClear = pick(builder.writeOneToClear, slots);
    sticky = pick(builder.sticky, slots);
    if (device instanceof ReadOnlyConfig) {
      answers = new int[dwords];
      for (int i = 0; i < dwords; i++) {
        answers[i] = device.read(i << 2, 4);
      }
      for (int slot = 0; slot < slots.length; slot++) {
        initial[slot] |= answers[slots[slot]] & ~mask[slot];
        answers[slots[slot]] = initial[slot];
      }
      bits = answers;
    } else {
      bits = initial.clone();
      // A slot for each dword: then they are the same numbers.
      answers = slots.length == dwords && allOurs(mask) ? bits : new int[0];
    }
    rules = Arrays.stream(slots).mapToObj(i -> builder.rules[i]).toArray(Rule[]::new);
    observers =
        Arrays.stream(slots).mapToObj(i -> builder.observers[i]).toArray(WriteObserver[]::new);
    resets = Arrays.stream(slots).mapToObj(i -> builder.resets[i]).toArray(ResetCondition[]::new);
    resetListeners = builder.resetListeners.toArray(Runnable[]::new);
  }

  private static int[] pick(int[] perDword, int[] slots) {
    return Arrays.stream(slots).map(index -> perDword[index]).toArray();
  }

  private static boolean allOurs(int[] mask) {
    return Arrays.stream(mask).allMatch(m -> m == ALL);
  }

  /// The slot of a dword, or -1 if no bit of it is ours.
  private int slot(int index) {
    long word = ours[index >>> 6];
    long bit = 1L << index;
    return (word & bit) == 0 ? -1 : slotsBefore[index >>> 6] + Long.bitCount(word & (bit - 1));
  }

  /// The element of [#bits] that has a dword.
  private int place(int index, int slot) {
    return answers.length == 0 ? slot : index;
  }

  /// Starts a view of `device` without any patch.
  public static Builder over(DeviceConfig device) {
    return new Builder(device);
  }

  /// Number of bytes, 256 or 4096.
  @Override
  public int size() {
    return size;
  }

  /// Reads as the guest does.
  ///
  /// @param offset of the first byte, any alignment; bytes outside the space read as 0xff
  /// @param width 1, 2 or 4 bytes
  /// @return the value, little endian, zero-extended
  /// @throws IllegalArgumentException if the width is another
  @Override
  public int read(int offset, int width) {
    // An offset outside the space is one outside the array, too.
    int index = offset >>> 2;
    if (index < answers.length) {
      int first = offset & 3;
      if (width == 4 && first == 0) {
        return (int) DWORD.getAcquire(answers, index);
      }
      if (width == 2 && first <= 2) {
        return (int) DWORD.getAcquire(answers, index) >>> (first << 3) & 0xffff;
      }
      if (width == 1) {
        return (int) DWORD.getAcquire(answers, index) >>> (first << 3) & 0xff;
      }
    }
    return readMixed(offset, width);
  }

  private int readMixed(int offset, int width) {
    requireWidth(width);
    if (answers.length == 0
        && offset >= 0
        && offset <= size - width
        && (offset & (width - 1)) == 0) {
      int shift = (offset & 3) << 3;
      int asked = ones(width) << shift;
      int slot = slot(offset >>> 2);
      int own = slot < 0 ? 0 : mask[slot] & asked;
      if (own == 0) {
        return device.read(offset, width) & ones(width);
      }
      if (own == asked) {
        return ((int) DWORD.getAcquire(bits, slot) & asked) >>> shift;
      }
    }
    return readBytes(offset, width);
  }

  private int readBytes(int offset, int width) {
    int value = 0;
    for (int i = 0; i < width; i++) {
      value |= readByte(offset + i) << (i << 3);
    }
    return value;
  }

  private int readByte(int offset) {
    if (offset < 0 || offset >= size) {
      return 0xff;
    }
    int shift = (offset & 3) << 3;
    if (answers.length != 0) {
      return (int) DWORD.getAcquire(answers, offset >>> 2) >>> shift & 0xff;
    }
    int slot = slot(offset >>> 2);
    int own = slot < 0 ? 0 : (mask[slot] >>> shift) & 0xff;
    int present = own == 0 ? 0 : ((int) DWORD.getAcquire(bits, slot) >>> shift) & own;
    return own == 0xff ? present : present | (device.read(offset, 1) & 0xff & ~own);
  }

  /// Writes as the guest does.
  ///
  /// @param offset of the first byte, any alignment; bytes outside the space are dropped
  /// @param width 1, 2 or 4 bytes
  /// @param value the value, little endian; bits above the width are ignored
  /// @throws IllegalArgumentException if the width is another
  @Override
  public void write(int offset, int width, int value) {
    requireWidth(width);
    int first = offset & 3;
    if (first + width <= 4) {
      writeWithinDword(offset, width, value);
    } else {
      int low = 4 - first;
      writeWithinDword(offset, low, value);
      writeWithinDword(offset + low, width - low, value >>> (low << 3));
    }
  }

  /// @param count 1 to 4 bytes that share a dword
  private void writeWithinDword(int offset, int count, int value) {
    if (offset < 0 || offset >= size) {
      return;
    }
    int index = offset >>> 2;
    int shift = (offset & 3) << 3;
    int touched = ones(count) << shift;
    int slot = slot(index);
    int own = slot < 0 ? 0 : mask[slot] & touched;
    if (own == 0) {
      writeDevice(offset, count, value);
      return;
    }
    if (own != touched) {
      for (int i = 0; i < count; i++) {
        if ((own >>> (shift + (i << 3)) & 0xff) == 0) {
          device.write(offset + i, 1, (value >>> (i << 3)) & 0xff);
        }
      }
    }
    writeRegister(index, slot, touched, value << shift);
  }

  private void writeDevice(int offset, int count, int value) {
    if (isWidth(count) && (offset & (count - 1)) == 0) {
      device.write(offset, count, value & ones(count));
      return;
    }
    for (int i = 0; i < count; i++) {
      device.write(offset + i, 1, (value >>> (i << 3)) & 0xff);
    }
  }

  private void writeRegister(int index, int slot, int touched, int value) {
    int own = mask[slot];
    int settable = writable[slot] & touched;
    int clearable = writeOneToClear[slot] & touched;
    int place = place(index, slot);
    Rule rule = (settable | clearable) == 0 ? null : rules[slot];
    while (true) {
      int before = (int) DWORD.getAcquire(bits, place);
      int proposed = ((before & ~settable) | (value & settable)) & ~(value & clearable);
      int after = proposed;
      if (rule != null) {
        int ruled = own & (touched | ~writable[slot]);
        after = (rule.apply(this, before & own, proposed & own) & ruled) | (before & ~ruled);
      }
      if (before == after || DWORD.compareAndSet(bits, place, before, after)) {
        written(slot, before & own, proposed & own, after & own);
        return;
      }
    }
  }

  /// Our bits of a dword.
  private int present(int index) {
    int slot = slot(index);
    if (slot >= 0) {
      return (int) DWORD.getAcquire(bits, place(index, slot)) & mask[slot];
    }
    return plain.get(index) ? (int) DWORD.getAcquire(bits, index) : 0;
  }

  private void written(int slot, int before, int proposed, int after) {
    WriteObserver observer = observers[slot];
    if (observer != null) {
      observer.written(before, proposed, after);
    }
    ResetCondition condition = resets[slot];
    if (condition != null && condition.isReset(before, proposed)) {
      reset();
    }
  }

  /// Changes emulated bits from the VMM's side, as a device changes its own registers: rules do not
  /// apply, and observers of writes are not called.
  ///
  /// @param offset of a dword
  /// @param mask the bits that change; those that are not emulated do not
  /// @param value what they become; other bits are ignored
  /// @throws IllegalArgumentException if no dword of the space starts there
  public void set(int offset, int mask, int value) {
    if (offset < 0 || offset >= size || (offset & 3) != 0) {
      throw new IllegalArgumentException(
          "No dword of this configuration space starts at " + offset);
    }
    int slot = slot(offset >>> 2);
    if (slot >= 0) {
      replace(place(offset >>> 2, slot), this.mask[slot] & mask, value);
    } else if (plain.get(offset >>> 2)) {
      replace(offset >>> 2, mask, value);
    }
  }

  /// Gives the bits of `mask` in an element of [#bits] those of `value`.
  private void replace(int place, int mask, int value) {
    int before;
    do {
      before = (int) DWORD.getAcquire(bits, place);
    } while (!DWORD.compareAndSet(bits, place, before, (before & ~mask) | (value & mask)));
  }

  /// Gives every emulated register the bits it has after a function-level reset: the sticky ones
  /// stay (PCI Express Base Specification 7.0, section 6.6.2). Observers of writes are not called.
  /// The device itself is reset by whoever owns it.
  public void reset() {
    for (int index = 0; index < size >>> 2; index++) {
      int slot = slot(index);
      if (slot >= 0) {
        replace(place(index, slot), ~sticky[slot], initial[slot]);
      } else if (plain.get(index)) {
        replace(index, ALL, device.read(index << 2, 4));
      }
    }
    for (Runnable listener : resetListeners) {
      listener.run();
    }
  }

  /// The bytes that a guest would read now.
  public ConfigSpace toConfigSpace() {
    ByteBuffer all = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    for (int offset = 0; offset < size; offset += 4) {
      all.putInt(read(offset, 4));
    }
    return ConfigSpace.of(all.array());
  }

  /// The low `width` bytes of a dword as a mask; `width` is 1 to 4.
  private static int ones(int width) {
    return -1 >>> (32 - (width << 3));
  }

  private static boolean isWidth(int width) {
    return width == 1 || width == 2 || width == 4;
  }

  private static void requireWidth(int width) {
    if (!isWidth(width)) {
      throw new IllegalArgumentException(
          "A configuration access has 1, 2 or 4 bytes, not " + width);
    }
  }

  /// A rule of either kind, bound to what it needs.
  @FunctionalInterface
  private interface Rule {
    int apply(GuestConfigSpace view, int before, int proposed);
  }

  /// Collects patches, rules and observers. Not for sharing between threads.
  public static final class Builder {
    private final DeviceConfig device;
    private final int[] mask;
    private final int[] initial;
    private final int[] writable;
    private final int[] writeOneToClear;
    private final int[] sticky;
    private final @Nullable Rule[] rules;
    private final @Nullable WriteObserver[] observers;
    private final @Nullable ResetCondition[] resets;
    private final List<Runnable> resetListeners = new ArrayList<>();

    private Builder(DeviceConfig device) {
      int dwords = device.size() >>> 2;
      this.device = device;
      mask = new int[dwords];
      initial = new int[dwords];
      writable = new int[dwords];
      writeOneToClear = new int[dwords];
      sticky = new int[dwords];
      rules = new @Nullable Rule[dwords];
      observers = new @Nullable WriteObserver[dwords];
      resets = new @Nullable ResetCondition[dwords];
    }

    /// Lays patches over the device in order; a later one replaces the bits it shares with an
    /// earlier one. The rule of a dword no longer decides the bits that are replaced, and one whose
    /// bits are all replaced is gone, with the dword's resets.
    ///
    /// @throws IllegalArgumentException if one lies outside the device's space
    public Builder patch(List<ConfigPatch> patches) {
      for (ConfigPatch patch : patches) {
        int index = indexOf(patch.offset());
        supersede(index, patch.mask());
        mask[index] |= patch.mask();
        initial[index] = (initial[index] & ~patch.mask()) | patch.bits();
        writable[index] = (writable[index] & ~patch.mask()) | patch.writable();
        writeOneToClear[index] = (writeOneToClear[index] & ~patch.mask()) | patch.writeOneToClear();
        sticky[index] = (sticky[index] & ~patch.mask()) | patch.sticky();
      }
      return this;
    }

    private void supersede(int index, int replaced) {
      Rule rule = rules[index];
      if ((mask[index] & ~replaced) == 0) {
        rules[index] = null;
        resets[index] = null;
      } else if (rule != null) {
        rules[index] =
            (view, before, proposed) ->
                (rule.apply(view, before, proposed) & ~replaced) | (proposed & replaced);
      }
    }

    /// Lets `rule` decide what guest writes make of the dword at `offset`.
    ///
    /// @throws IllegalArgumentException if the dword lies outside the space or already has a rule
    ///   that no later patch has replaced
    public Builder rule(int offset, WriteRule rule) {
      return bind(offset, (_, before, proposed) -> rule.apply(before, proposed));
    }

    /// Lets `rule` decide what guest writes make of the dword at `offset`, given the dword at
    /// `other`.
    ///
    /// @throws IllegalArgumentException if a dword lies outside the space, or the first already has
    ///   a rule that no later patch has replaced
    Builder rule(int offset, int other, DependentRule rule) {
      int otherIndex = indexOf(other);
      return bind(
          offset,
          (view, before, proposed) -> rule.apply(before, proposed, view.present(otherIndex)));
    }

    private Builder bind(int offset, Rule rule) {
      int index = indexOf(offset);
      if (rules[index] != null) {
        throw new IllegalArgumentException("The dword at " + offset + " already has a rule");
      }
      rules[index] = rule;
      return this;
    }

    /// Resets the view, as [GuestConfigSpace#reset] does, after each guest write to the dword at
    /// `offset` that meets `condition`. The dword's observer is told of the write first.
    ///
    /// @throws IllegalArgumentException if the dword lies outside the space or already has a
    ///   condition that no later patch has replaced
    Builder resetWhen(int offset, ResetCondition condition) {
      int index = indexOf(offset);
      if (resets[index] != null) {
        throw new IllegalArgumentException("The dword at " + offset + " already resets");
      }
      resets[index] = condition;
      return this;
    }

    /// Tells `listener` of every reset of the view, whether the guest or [GuestConfigSpace#reset]
    /// made it. It runs on the thread that reset, after the registers have their new bits.
    public Builder onReset(Runnable listener) {
      resetListeners.add(listener);
      return this;
    }

    /// Tells `observer` of guest writes to the emulated bits of the dword at `offset`.
    ///
    /// @throws IllegalArgumentException if the dword lies outside the space or is already observed
    public Builder observe(int offset, WriteObserver observer) {
      int index = indexOf(offset);
      if (observers[index] != null) {
        throw new IllegalArgumentException("The dword at " + offset + " is already observed");
      }
      observers[index] = observer;
      return this;
    }

    /// The view, with every register as after power-on.
    public GuestConfigSpace build() {
      return new GuestConfigSpace(this);
    }

    /// The dwords that are wholly ours, though they do no more than the device's.
    private BitSet plain() {
      BitSet plain = new BitSet(mask.length);
      for (int i = 0; i < mask.length; i++) {
        boolean changes = (writable[i] | writeOneToClear[i] | sticky[i]) != 0;
        boolean acts = rules[i] != null || observers[i] != null || resets[i] != null;
        plain.set(i, mask[i] == ALL && !changes && !acts && initial[i] == device.read(i << 2, 4));
      }
      return plain;
    }

    private int indexOf(int offset) {
      if (offset < 0 || (offset & 3) != 0 || offset >>> 2 >= mask.length) {
        throw new IllegalArgumentException(
            "No dword of this configuration space starts at " + offset);
      }
      return offset >>> 2;
    }
  }
}
