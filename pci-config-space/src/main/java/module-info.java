/// What a PCI configuration space is; depends on nothing.
module io.vpasid.pci {
  requires static transitive org.jspecify;

  exports io.vpasid.pci;
  exports io.vpasid.pci.capability;
  exports io.vpasid.pci.emulation;
}
