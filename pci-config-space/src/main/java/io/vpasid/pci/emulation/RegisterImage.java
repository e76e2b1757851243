package io.vpasid.pci.emulation;

import io.vpasid.pci.ByteRange;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Collects what becomes of each doubleword of a function while its tables are applied. No two
/// capabilities share one.
final class RegisterImage {

  /// One doubleword.
  private static final class Dword {
    /// The bits that are served.
    private int mask;

    /// Their values after power-on.
    private int bits;

    private int writable;
    private int writeOneToClear;
    private int kept;

    /// The bits that read 0 and reset the function when written as 1.
    private int resetting;

    private @Nullable WriteRule rule;
    private @Nullable DependentRule dependentRule;
    private int other;
    private @Nullable ResetCondition resetWhen;

    /// The bits that the rule decides.
    private int ruled;

    void set(int mask, int value) {
      bits = (bits & ~mask) | (value & mask);
    }

    ConfigPatch patch(int at) {
      return new ConfigPatch(at, mask, bits, writable | resetting, writeOneToClear, kept);
    }

    DwordRules rules(int at) {
      return new DwordRules(at, resetting, ruled, rule, dependentRule, other, resetWhen);
    }
  }

  private final NavigableMap<Integer, Dword> dwords = new TreeMap<>();

  /// Serves the registers that `table` describes.
  void add(RegisterBlock block, RegisterTable table) {
    for (Register register : table.registers(block)) {
      add(block, register);
    }
  }

  private void add(RegisterBlock block, Register register) {
    int fields = 0;
    boolean isPresent = false;
    for (Field field : register.fields()) {
      // A capability that is cut at the end of the space, or is of an older version, lacks some.
      if (block.contains(register.offset() + (field.high() >>> 3))) {
        isPresent = true;
        fields |= add(block, field, register.offset());
      }
    }
    if (isPresent) {
      Dword dword = serve(block, register.offset());
      if (register.rule() != null) {
        dword.rule = register.rule().apply(block);
        dword.ruled = fields;
      }
      if (register.resetWhen() != null) {
        dword.resetWhen = register.resetWhen().apply(block);
      }
    }
  }

  /// @return the field's bits in its doubleword; 0 if the function does not have it
  private int add(RegisterBlock block, Field field, int register) {
    Dword dword = serve(block, register);
    int shift = ((block.offset() + register) & 3) << 3;
    int mask = field.mask() << shift;
    boolean isReadOnly = field.attribute() == Field.Attribute.RO;
    if (!field.condition().holds(block)) {
      if (!isReadOnly) {
        dword.set(mask & ~(dword.writable | dword.writeOneToClear), 0);
      }
      return 0;
    }
    int captured = block.bits(register, field.high(), field.low());
    dword.set(mask, field.initial().value(block, captured) << field.low() << shift);
    switch (field.attribute()) {
      case RO -> {}
      case RW, RWS -> dword.writable |= mask;
      case RW1C, RW1CS -> dword.writeOneToClear |= mask;
      case RESET -> dword.resetting |= mask;
    }
    dword.kept |= field.isKept() ? mask : 0;
    return mask;
  }

  /// Serves a doubleword of a Base Address Register.
  void add(RegisterBlock block, int register, int bits, int writable) {
    Dword dword = serve(block, register);
    dword.set(-1, bits);
    dword.writable = writable;
  }

  /// Lets a rule that depends on the doubleword at `other` decide the writable bits of a register
  /// that is served already.
  void depend(RegisterBlock block, int register, int other, DependentRule rule) {
    Dword dword = serve(block, register);
    dword.dependentRule = rule;
    dword.other = other;
    dword.ruled = dword.writable;
  }

  /// The registers to serve, by offset.
  List<ConfigPatch> patches() {
    List<ConfigPatch> patches = new ArrayList<>(dwords.size());
    dwords.forEach((at, dword) -> patches.add(dword.patch(at)));
    return patches;
  }

  /// The rules that go beyond what patches say, by offset.
  List<DwordRules> rules() {
    List<DwordRules> rules = new ArrayList<>();
    dwords.forEach((at, dword) -> {
      DwordRules own = dword.rules(at);
      if (own.isAny()) {
        rules.add(own);
      }
    });
    return rules;
  }

  /// The doubleword that `register` lies in, with the block's bytes of it served as captured.
  private Dword serve(RegisterBlock block, int register) {
    int at = (block.offset() + register) & ~3;
    Dword dword = dwords.computeIfAbsent(at, _ -> new Dword());
    int added = bytes(at, block.range()) & ~dword.mask;
    dword.mask |= added;
    dword.set(added, block.function().config().u32(at));
    return dword;
  }

  /// The bits of the doubleword at `at` whose bytes lie in `range`.
  private static int bytes(int at, ByteRange range) {
    int mask = 0;
    for (int i = 0; i < 4; i++) {
      if (range.contains(at + i)) {
        mask |= 0xff << (i << 3);
      }
    }
    return mask;
  }
}
