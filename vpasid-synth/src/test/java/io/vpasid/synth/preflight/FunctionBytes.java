package io.vpasid.synth.preflight;

import io.vpasid.pci.ConfigSpace;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Configuration spaces made by hand.
final class FunctionBytes {
  static final int ENDPOINT = 0;
  static final int LEGACY_ENDPOINT = 1;
  static final int ROOT_PORT = 4;
  static final int UPSTREAM_PORT = 5;
  static final int DOWNSTREAM_PORT = 6;
  static final int EXPRESS_TO_PCI_BRIDGE = 7;
  static final int INTEGRATED_ENDPOINT = 9;
  static final int EVENT_COLLECTOR = 10;

  private final ByteBuffer bytes;

  private FunctionBytes(int size) {
    bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  /// An Endpoint with End-End TLP prefixes. PCI Express capability of version 2 at 0x40, AER at
  /// 0x100, ATS at 0x150, PRI at 0x160, PASID with 20 bits and privileged mode at 0x170.
  static FunctionBytes endpoint() {
    return new FunctionBytes(4096)
        .dword(0x00, 0x0001f00d)
        .word(0x06, 0x0010)
        .dword(0x08, 0x08800000)
        .octet(0x34, 0x40)
        .dword(0x40, 0x00020010)
        .dword(0x64, 1 << 21)
        .extended(0x100, 0x0001, 0x150)
        .extended(0x150, 0x000f, 0x160)
        .dword(0x154, 0x0000_0060)
        .extended(0x160, 0x0013, 0x170)
        .dword(0x164, 0x8100_0000)
        .dword(0x168, 512)
        .extended(0x170, 0x001b, 0)
        .dword(0x174, 0x0000_1404);
  }

  /// The same as a Root Complex Integrated Endpoint.
  static FunctionBytes integrated() {
    return endpoint().type(INTEGRATED_ENDPOINT);
  }

  /// A port with End-End TLP prefixes and an ACS capability at 0x100, which advertises everything
  /// and has nothing switched on.
  static FunctionBytes port(int type) {
    return new FunctionBytes(4096)
        .dword(0x00, 0x000c1b36)
        .word(0x06, 0x0010)
        .dword(0x08, 0x06040000)
        .octet(0x0e, 1)
        .octet(0x34, 0x40)
        .dword(0x40, 0x00020010)
        .type(type)
        .dword(0x64, 1 << 21)
        .extended(0x100, 0x000d, 0)
        .dword(0x104, 0x0000_005f);
  }

  /// A function with 256 bytes that are all 0.
  static FunctionBytes small() {
    return new FunctionBytes(256);
  }

  FunctionBytes octet(int at, int value) {
    bytes.put(at, (byte) value);
    return this;
  }

  FunctionBytes word(int at, int value) {
    bytes.putShort(at, (short) value);
    return this;
  }

  FunctionBytes dword(int at, int value) {
    bytes.putInt(at, value);
    return this;
  }

  /// A header of an extended capability, version 1.
  FunctionBytes extended(int at, int id, int next) {
    return dword(at, id | 1 << 16 | next << 20);
  }

  FunctionBytes ids(int vendor, int device) {
    return dword(0x00, vendor | device << 16);
  }

  /// Device/Port Type, in the PCI Express capability at 0x40.
  FunctionBytes type(int type) {
    return word(0x42, (bytes.getShort(0x42) & ~0xf0) | type << 4);
  }

  /// The version of that capability.
  FunctionBytes version(int version) {
    return word(0x42, (bytes.getShort(0x42) & ~0x0f) | version);
  }

  FunctionBytes withoutPrefixes() {
    return dword(0x64, 0);
  }

  FunctionBytes multiFunction() {
    return octet(0x0e, bytes.get(0x0e) | 0x80);
  }

  ConfigSpace space() {
    return ConfigSpace.of(bytes.array());
  }
}
