/// PCI configuration spaces; depends on nothing.
module io.vpasid.pci {
  requires static transitive org.jspecify;

  exports io.vpasid.pci;
  exports io.vpasid.pci.capability;
  exports io.vpasid.pci.dump;
  exports io.vpasid.pci.emulation;
  exports io.vpasid.pci.occupancy;
  exports io.vpasid.pci.vfio;
}
