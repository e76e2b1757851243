package io.vpasid.it.walker;

import java.util.List;

/// A program that walks capability lists.
public interface Walker {

  /// Linux, EDK2 and lspci, the software that a guest's capability has to be visible to.
  List<Walker> ALL = List.of(new LinuxWalker(), new Edk2Walker(), new LspciWalker());

  /// Walks both lists of a function.
  ///
  /// @param config 256 or 4096 bytes
  Walk walk(byte[] config);

  /// The program, for messages.
  String name();
}
