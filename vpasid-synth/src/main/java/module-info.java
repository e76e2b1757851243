/// Whether, where and how a function gets a virtual PASID capability.
module io.vpasid.synth {
  requires static transitive org.jspecify;
  requires transitive io.vpasid.pci;
  requires transitive tools.jackson.databind;

  exports io.vpasid.synth;
  exports io.vpasid.synth.json;
  exports io.vpasid.synth.placement;
  exports io.vpasid.synth.preflight;
  exports io.vpasid.synth.quirk;
}
