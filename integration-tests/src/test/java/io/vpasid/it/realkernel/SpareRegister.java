package io.vpasid.it.realkernel;

/// A register of 4 bytes that a test has in the configuration space of a function, where the
/// function itself has nothing.
interface SpareRegister {
  int read();

  void write(int value);
}
