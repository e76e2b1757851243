package io.vpasid.pci.emulation;

/// One field of a register, as a row of the specification's table of that register.
///
/// A function that does not have the field keeps it hardwired to 0.
///
/// @param attribute the table's last column
/// @param high its highest bit, from the register's bit 0
/// @param low its lowest bit
/// @param name as the specification has it
/// @param condition whether a function has the field
/// @param initial what it reads after power-on
/// @param isKept whether a function-level reset leaves it as it is
record Field(
    Attribute attribute,
    int high,
    int low,
    String name,
    Condition condition,
    Initial initial,
    boolean isKept) {

  /// The value of a field after power-on.
  @FunctionalInterface
  interface Initial {
    /// The value, given the capture.
    ///
    /// @param block whose field it is
    /// @param captured the field as the capture has it
    /// @return the value, right-aligned like `captured`
    int value(RegisterBlock block, int captured);
  }

  /// Access of software to a field: section 7.4 of the PCI Express Base Specification 7.0.
  enum Attribute {
    /// Read-only.
    RO,
    /// Read-write.
    RW,
    /// Read-write, sticky.
    RWS,
    /// Writing 1 clears.
    RW1C,
    /// Writing 1 clears, sticky.
    RW1CS,
    /// Reads 0; writing 1 resets the function.
    RESET;

    private boolean isSticky() {
      return this == RWS || this == RW1CS;
    }
  }

  /// A field that only the device changes, and which is as captured.
  static Field ro(int high, int low, String name) {
    return new Field(
        Attribute.RO, high, low, name, Conditions.ALWAYS, (_, captured) -> captured, false);
  }

  static Field ro(int bit, String name) {
    return ro(bit, bit, name);
  }

  /// A field that the device alone sets, and which nothing sets here.
  static Field status(int high, int low, String name) {
    return of(Attribute.RO, high, low, name);
  }

  static Field status(int bit, String name) {
    return status(bit, bit, name);
  }

  static Field rw(int high, int low, String name) {
    return of(Attribute.RW, high, low, name);
  }

  static Field rw(int bit, String name) {
    return rw(bit, bit, name);
  }

  static Field rws(int high, int low, String name) {
    return of(Attribute.RWS, high, low, name);
  }

  static Field rws(int bit, String name) {
    return rws(bit, bit, name);
  }

  static Field rw1c(int bit, String name) {
    return of(Attribute.RW1C, bit, bit, name);
  }

  static Field rw1cs(int high, int low, String name) {
    return of(Attribute.RW1CS, high, low, name);
  }

  static Field rw1cs(int bit, String name) {
    return rw1cs(bit, bit, name);
  }

  static Field reset(int bit, String name) {
    return of(Attribute.RESET, bit, bit, name);
  }

  private static Field of(Attribute attribute, int high, int low, String name) {
    return new Field(
        attribute, high, low, name, Conditions.ALWAYS, (_, _) -> 0, attribute.isSticky());
  }

  /// The field, in functions that also meet `condition`.
  Field when(Condition condition) {
    return new Field(attribute, high, low, name, this.condition.and(condition), initial, isKept);
  }

  /// The field with another value after power-on than 0.
  Field initially(int value) {
    return initially((_, _) -> value);
  }

  Field initially(Initial value) {
    return new Field(attribute, high, low, name, condition, value, isKept);
  }

  /// The field with the value that it had when it was captured, because the specification leaves it
  /// to the device.
  Field initiallyAsCaptured() {
    return initially((_, captured) -> captured);
  }

  /// The field, which section 6.6.2 of the PCI Express Base Specification 7.0 exempts from
  /// function-level reset although it is not sticky.
  Field keptByReset() {
    return new Field(attribute, high, low, name, condition, initial, true);
  }

  /// Its bits, from the register's bit 0.
  int mask() {
    return (-1 >>> (31 - (high - low))) << low;
  }
}
