package io.vpasid.guest.scenario;

import static io.vpasid.guest.scenario.ParameterCursor.orName;
import static io.vpasid.guest.scenario.ParameterCursor.text;

import io.vpasid.guest.config.AddressText;
import io.vpasid.guest.config.FunctionDescription;
import io.vpasid.guest.config.FunctionFile;
import io.vpasid.guest.config.MachineForms;
import io.vpasid.pci.PciAddress;
import io.vpasid.pci.dump.Dump;
import io.vpasid.pci.dump.DumpException;
import io.vpasid.pci.dump.Dumps;
import io.vpasid.pci.dump.HostFunction;
import io.vpasid.synth.json.Fields;
import io.vpasid.synth.json.Form;
import io.vpasid.synth.json.JsonCursor;
import io.vpasid.synth.json.JsonCursor.Place;
import io.vpasid.synth.json.JsonFileException;
import io.vpasid.synth.json.Key;
import io.vpasid.synth.json.Shape;
import io.vpasid.synth.quirk.FunctionKind;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// A function that a scenario names.
///
/// @param kind what the file says about SR-IOV, or what the capture shows
record PickedFunction(FunctionDescription function, FunctionKind kind) {
  private static final Key<String> DUMP =
      Key.of("dump", text(), "lspci -xxxx text, raw or hex bytes, or a description (FILE.json).")
          .required("name the file");
  private static final Key<PciAddress> ADDRESS =
      Key.of("address", MachineForms.address(text(), "0000:17:00.0"), "Which of its functions.");
  private static final Key<FunctionKind> KIND =
      Key.of(
          "kind",
          orName(Form.word(FunctionKind.values())),
          "Whether it is a virtual function. Default: virtual where the ids read ffff.");
  private static final Shape FUNCTION_SHAPE =
      Shape.of("\"function\"", DUMP, ADDRESS, KIND).as("function");

  /// How a file names it: a dump with one function, or which of its functions.
  static final Form<PickedFunction> FORM =
      Form.either(text().check(PickedFunction::only), FUNCTION_SHAPE.check(PickedFunction::picked))
          .named("function");

  private static PickedFunction only(String dump, JsonCursor json, String what) {
    Place here = json.place();
    return picked(describe(json, here, dump, here, Optional.empty()), Optional.empty());
  }

  private static PickedFunction picked(Fields f, JsonCursor json, String what) {
    return picked(
        describe(json, f.place(DUMP), f.get(DUMP), f.place(ADDRESS), f.find(ADDRESS)),
        f.find(KIND));
  }

  private static PickedFunction picked(FunctionDescription function, Optional<FunctionKind> kind) {
    return new PickedFunction(function, kind.orElseGet(() -> FunctionKind.of(function.captured())));
  }

  private static FunctionDescription describe(
      JsonCursor json, Place place, String name, Place addressPlace, Optional<PciAddress> address) {
    Path file = ((ParameterCursor) json).beside(name);
    if (name.endsWith(".json")) {
      return described(json, place, file);
    }
    List<HostFunction> functions;
    try {
      Dump dump = Dumps.open(file, Optional.empty());
      boolean found = address.isPresent() && !dump.at(address.get()).isEmpty();
      functions = found ? dump.functions() : dump.whole();
    } catch (DumpException e) {
      throw json.wrong(place, "the dump cannot be used: " + e.getMessage());
    }
    json.require(
        place,
        address.isPresent() || functions.size() == 1,
        "%s has the functions %s; pick one, as in { \"dump\": \"%s\", \"address\": \"%s\" }"
            .formatted(name, addresses(functions), name, functions.getFirst().address()));
    return functions.stream()
        .filter(function -> address.isEmpty() || function.address().equals(address.get()))
        .findFirst()
        .map(FunctionDescription::of)
        .orElseThrow(() ->
            json.wrong(
                addressPlace,
                "%s has no function at %s; it has %s"
                    .formatted(name, address.orElseThrow(), addresses(functions))));
  }

  /// A mistake in the description is named where it is; a description that is not there, where the
  /// scenario names it.
  private static FunctionDescription described(JsonCursor json, Place place, Path file) {
    try {
      return FunctionFile.read(file);
    } catch (JsonFileException e) {
      throw e.line() > 0
          ? e
          : json.wrong(place, "the description cannot be used: " + e.getMessage());
    }
  }

  private static String addresses(List<HostFunction> functions) {
    return AddressText.list(functions.stream().map(HostFunction::address).toList());
  }
}
