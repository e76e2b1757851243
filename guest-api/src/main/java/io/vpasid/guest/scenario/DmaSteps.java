package io.vpasid.guest.scenario;

import static io.vpasid.guest.scenario.IommuSteps.pasid;
import static io.vpasid.guest.scenario.IommuSteps.requireRead;
import static io.vpasid.guest.scenario.Unexpected.require;

import io.vpasid.guest.emulator.IommuPort;
import io.vpasid.guest.emulator.vtd.DmaEngineDriver;
import io.vpasid.guest.emulator.vtd.DmaEngineDriver.End;
import io.vpasid.guest.emulator.vtd.DmaEngineDriver.Outcome;
import io.vpasid.guest.emulator.vtd.PageRequest;
import io.vpasid.guest.emulator.vtd.VtdDriver;
import io.vpasid.synth.json.JsonCursor.Place;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The steps in which the function does DMA, and asks for pages.
final class DmaSteps {
  private final IommuPort port;
  private final VtdDriver driver;
  private final Optional<Integer> engineBar;
  private @Nullable DmaEngineDriver engine;

  /// The last transfer, whose outcome is looked at when it ends.
  private Step.@Nullable Dma transfer;

  /// @param engineBar index of the BAR of the function's DMA engine, if it has one
  DmaSteps(IommuPort port, VtdDriver driver, Optional<Integer> engineBar) {
    this.port = port;
    this.driver = driver;
    this.engineBar = engineBar;
  }

  private DmaEngineDriver engine(Place place) {
    DmaEngineDriver present = engine;
    if (present == null) {
      require(
          place,
          engineBar.isPresent(),
          "the function must have a DMA engine; describe one with \"dmaEngine\"");
      present = new DmaEngineDriver(port, engineBar.orElseThrow());
      engine = present;
    }
    return present;
  }

  void start(Step.Dma step, Bindings bindings) {
    transfer = step;
    Outcome outcome =
        engine(step.place())
            .start(
                new DmaEngineDriver.Transfer(
                    pasid(step.pasid(), bindings),
                    step.address(),
                    step.write(),
                    step.write() ? Integer.toUnsignedLong(step.value().in(bindings)) : 0,
                    step.pageRequests()));
    ended(step.place(), step, outcome, step.expected(), bindings);
  }

  void end(Step.DmaEnd step, Bindings bindings) {
    Step.Dma its = transfer;
    if (its == null) {
      throw new Unexpected(step.place(), "there must be DMA that can end");
    }
    ended(step.place(), its, engine(step.place()).await(), step.expected(), bindings);
  }

  /// @param place of the step that looks
  /// @param its the transfer
  private static void ended(
      Place place, Step.Dma its, Outcome outcome, End expected, Bindings bindings) {
    String who = StepText.who(its.pasid(), bindings);
    require(
        place,
        outcome.end() == expected,
        "DMA of %s at %s must %s, and %s"
            .formatted(
                who, StepText.hex(its.address()), StepText.of(expected), StepText.of(outcome)));
    if (expected == End.DONE && !its.write()) {
      requireRead(place, who, Integer.toUnsignedLong(its.value().in(bindings)), outcome.data());
    }
  }

  void pageRequest(Step.PageRequest step, Bindings bindings) {
    require(
        step.place(),
        driver.takesPageRequests(),
        "the IOMMU must take page requests, and does not offer to: only a nested one does");
    Optional<PageRequest> taken = driver.takePageRequest();
    String must =
        "%s must have asked for the page %s"
            .formatted(StepText.who(step.pasid(), bindings), StepText.hex(step.address()));
    require(step.place(), taken.isPresent(), must + ", and nobody has asked for any");
    PageRequest request = taken.orElseThrow();
    require(
        step.place(),
        request.pasid() == pasid(step.pasid(), bindings)
            && request.address() == step.address()
            && (step.write().isEmpty() || step.write().get() == request.write()),
        "%s%s, and the request is %s"
            .formatted(
                must,
                step.write().map(write -> write ? " to write" : " to read").orElse(""),
                request));
    driver.answer(request, step.answer().code());
  }
}
