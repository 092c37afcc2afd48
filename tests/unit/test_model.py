"""The network and its scorer: shapes, presence, the rule for imputed modalities, determinism."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import UsageError
from core.frames import ALL_MODALITIES, CROP_PX, EVERY_MASK, MODALITIES, FaceCrop, Modality, ModalityMask
from core.model.encoders import learn_statistics
from core.model.folded import folded
from core.model.inputs import CHANNELS, ModelInputs, to_tensors
from core.model.manifest import Manifest
from core.model.network import ARCHITECTURE, NetworkConfig, PadNetwork
from core.model.scorer import NetworkScorer
from tests.unit.faces import head, sheet

SMALL = NetworkConfig(widths=(8, 8, 16, 16), bottleneck=8, hidden=8)


@pytest.fixture
def network() -> PadNetwork:
    torch.manual_seed(3)
    return PadNetwork(SMALL).eval()


@pytest.fixture
def scorer(network: PadNetwork) -> NetworkScorer:
    return scorer_of(network)


def scorer_of(network: PadNetwork) -> NetworkScorer:
    manifest = Manifest(name="test", sha256="0" * 64, architecture=ARCHITECTURE, thresholds={"depth+ir": 0.4})
    return NetworkScorer(network, manifest, torch.device("cpu"))


class TestInputs:
    def test_shapes_and_presence(self) -> None:
        inputs = to_tensors([head(), head().restricted(ModalityMask.parse("ir"))])
        for modality, image in zip(MODALITIES, inputs.images, strict=True):
            assert image.shape == (2, CHANNELS[modality], CROP_PX, CROP_PX)
            assert image.dtype == torch.float32
        assert inputs.presence.tolist() == [[True, True, True], [False, False, True]]

    def test_absolute_distance_and_sensor_range_are_no_features(self) -> None:
        crop = head()
        assert crop.depth is not None
        assert crop.ir is not None
        moved = replace(
            crop,
            depth=np.where(crop.depth > 0, crop.depth + 350.0, 0.0).astype(np.float32),
            ir=crop.ir * np.float32(0.3),
        )
        near, far = to_tensors([crop]), to_tensors([moved])
        assert torch.allclose(near.images[1], far.images[1], atol=2e-3)
        assert torch.allclose(near.images[2], far.images[2], atol=2e-3)

    def test_relative_depth_keeps_its_shape_planes_in_any_scale(self) -> None:
        crop = replace(head(), metric_depth=False, face_mm=None)
        assert crop.depth is not None
        stretched = replace(crop, depth=crop.depth * np.float32(0.125))
        one, other = to_tensors([crop]).images[1], to_tensors([stretched]).images[1]
        assert torch.allclose(one, other, atol=2e-3)
        assert one[:, 0].any()
        assert not one[:, 2].any()
        assert not one[:, 4].any()

    def test_holes_have_no_depth_and_are_marked(self) -> None:
        crop = head()
        assert crop.depth is not None
        depth = crop.depth.copy()
        depth[40:50, 40:50] = 0.0
        image = to_tensors([replace(crop, depth=depth)]).images[1][0]
        assert not image[:, 40:50, 40:50].any()

    def test_borders_are_grey(self) -> None:
        for image in to_tensors([head()]).images:
            assert not image[..., 0, :].any()
            assert not image[..., :, -1].any()


class TestNetwork:
    def test_steps_have_the_documented_shapes(self, network: PadNetwork) -> None:
        inputs = to_tensors([head(), sheet()])
        features = network.encode(inputs)
        assert features.maps.shape == (2, 3, 16, 6, 6)
        complemented = network.complement(features)
        assert complemented.maps.shape == features.maps.shape
        (joint,) = network.fuse(complemented.maps, complemented.weights)
        assert joint.shape == (2, 16)
        pooled = features.maps.mean(dim=(3, 4))
        logits = network.heads(pooled, joint, complemented.residual, features, features.evidence)
        assert logits.fused.shape == (2,)
        assert logits.modality.shape == (2, 3)
        assert torch.allclose(network(inputs).fused, logits.fused)

    @pytest.mark.parametrize("mask", EVERY_MASK, ids=str)
    def test_pixels_of_an_absent_modality_cannot_matter(self, network: PadNetwork, mask: ModalityMask) -> None:
        inputs = to_tensors([head(), head()])
        presence = torch.tensor([[m in mask for m in MODALITIES], [True, True, True]])
        rgb, depth, infrared = (image.clone() for image in inputs.images)
        for image, modality in zip((rgb, depth, infrared), MODALITIES, strict=True):
            if modality not in mask:
                image[0] = torch.nan
        spoiled = ModelInputs((rgb, depth, infrared), presence, inputs.quality, inputs.evidence)
        clean, dirty = network(inputs.with_presence(presence)), network(spoiled)
        assert torch.equal(clean.fused[0], dirty.fused[0])
        assert torch.equal(clean.present[0], dirty.present[0])

    def test_an_absent_modality_is_substituted_and_trusted_less(self, network: PadNetwork) -> None:
        output = network(to_tensors([head().restricted(ModalityMask.parse("rgb+ir"))]))
        weights = output.complemented.weights[0]
        assert weights[0] == weights[2] == 1.0
        assert 0.0 < weights[1] <= 0.5
        assert output.complemented.maps[0, 1].abs().sum() > 0
        assert output.complemented.residual[0, 1] == 0.0

    def test_one_modality_alone_is_not_enhanced_by_anything(self, network: PadNetwork) -> None:
        features = network.encode(to_tensors([head().restricted(ModalityMask.parse("depth"))]))
        complemented = network.complement(features)
        assert torch.equal(complemented.maps[0, 1], features.maps[0, 1])

    def test_complete_crops_need_no_imputation(self, network: PadNetwork) -> None:
        output = network(to_tensors([head()]))
        assert torch.allclose(output.fused, output.present, atol=1e-6)

    def test_training_mode_leaves_the_stored_statistics_alone_unless_they_are_to_be_learnt(
        self, network: PadNetwork
    ) -> None:
        def statistics() -> list[torch.Tensor]:
            return [value.clone() for name, value in network.state_dict().items() if "running" in name]

        before = statistics()
        network.train()
        network(to_tensors([head(), sheet()]))
        assert all(torch.equal(a, b) for a, b in zip(before, statistics(), strict=True))
        learn_statistics(network, True)
        network(to_tensors([head(), sheet()]))
        assert not torch.equal(before[0], statistics()[0])

    def test_the_stem_and_the_rest_make_the_encoder(self, network: PadNetwork) -> None:
        inputs = to_tensors([head(), sheet().restricted(ModalityMask.parse("depth"))])
        stem = network.encode_stem(inputs)
        assert stem.maps.shape == (2, 3, 16, 12, 12)
        whole, parts = network.encode(inputs), network.encode_rest(stem)
        assert torch.allclose(whole.maps, parts.maps, atol=1e-6)
        assert torch.equal(whole.evidence, parts.evidence)

    def test_only_the_last_stage_of_the_encoders_is_late(self, network: PadNetwork) -> None:
        late = {name for name in network.late_parameters() if name.startswith("encoders.")}
        assert late
        assert all(".stages.3." in name for name in late)

    @pytest.mark.parametrize("stages", [2, 3, 4])
    def test_more_stages_may_adapt_and_make_the_same_encoder(self, network: PadNetwork, stages: int) -> None:
        inputs = to_tensors([head(), sheet().restricted(ModalityMask.parse("depth"))])
        whole = network.encode(inputs)
        network.let_adapt(stages)
        parts = network.encode_rest(network.encode_stem(inputs))
        assert torch.allclose(whole.maps, parts.maps, atol=1e-6)
        found = folded(network)
        assert torch.allclose(whole.maps, found.encode_rest(found.encode_stem(inputs)).maps, atol=1e-4)
        late = {name.split(".stages.")[1][0] for name in network.late_parameters() if name.startswith("encoders.")}
        assert late == {"0", "1", "2", "3"}.difference(map(str, range(4 - stages)))
        torch.autograd.backward(network.from_features(parts).fused.sum())
        for name, parameter in network.late_parameters().items():
            assert parameter.grad is not None or not name.startswith("encoders."), name

    def test_a_batch_without_any_modality_is_refused(self, network: PadNetwork) -> None:
        with pytest.raises(ValueError, match="without any modality"):
            network(to_tensors([FaceCrop()]))


class TestSwitches:
    @staticmethod
    def _network(**switches: str | bool) -> PadNetwork:
        torch.manual_seed(3)
        return PadNetwork(NetworkConfig((8, 8, 16, 16), 8, 8, 0.3, **switches)).eval()  # type: ignore[arg-type]

    def test_without_complementary_features_an_absent_modality_has_no_weight(self) -> None:
        network = self._network(complementary="none")
        output = network(to_tensors([head().restricted(ModalityMask.parse("rgb+ir")), head()]))
        assert output.complemented.weights.tolist() == [[1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]
        assert not output.complemented.residual.any()
        assert torch.equal(output.fused, output.present)
        assert not list(network.complementary.parameters())

    def test_substituting_leaves_what_is_present_as_it_is(self) -> None:
        network = self._network(complementary="substitute")
        features = network.encode(to_tensors([head().restricted(ModalityMask.parse("rgb+ir"))]))
        complemented = network.complement(features)
        assert torch.equal(complemented.maps[0, 0], features.maps[0, 0])
        assert complemented.weights[0, 1] > 0.0

    def test_enhancing_leaves_what_is_absent_out(self) -> None:
        network = self._network(complementary="enhance")
        features = network.encode(to_tensors([head().restricted(ModalityMask.parse("rgb+ir"))]))
        complemented = network.complement(features)
        assert not torch.equal(complemented.maps[0, 0], features.maps[0, 0])
        assert complemented.weights[0, 1] == 0.0

    def test_evidence_and_residuals_that_are_off_cannot_matter(self) -> None:
        network = self._network(evidence=False, residuals=False)
        for parameter in network.head.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        inputs = to_tensors([head()])
        changed = ModelInputs(inputs.images, inputs.presence, inputs.quality, inputs.evidence + 1.0)
        assert torch.equal(network(inputs).fused, network(changed).fused)
        with_evidence = PadNetwork(SMALL).eval()
        with_evidence.load_state_dict(network.state_dict())
        assert not torch.equal(with_evidence(inputs).fused, with_evidence(changed).fused)

    def test_a_trunk_of_timm_needs_timm(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "timm", None)  # also where it is installed
        with pytest.raises(UsageError, match="not installed"):
            PadNetwork(NetworkConfig(trunk="vit_base_patch16_224"))

    def test_an_unknown_way_of_complementing_is_refused(self) -> None:
        with pytest.raises(ValueError, match="full, substitute"):
            self._network(complementary="some")


class TestScorer:
    @pytest.mark.parametrize("mask", EVERY_MASK, ids=str)
    def test_an_imputed_modality_never_raises_the_score(self, network: PadNetwork, mask: ModalityMask) -> None:
        for parameter in network.complementary.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
        scorer = scorer_of(network)
        crops = [make(seed).restricted(mask) for seed in range(3) for make in (head, sheet)]
        output = scorer.output(crops)
        for evidence, fused, present in zip(scorer.score(crops), output.fused, output.present, strict=True):
            assert evidence.logit <= float(present) + 1e-6
            assert evidence.logit <= float(fused) + 1e-6

    def test_the_same_crop_has_the_same_evidence_alone_and_in_company(self, scorer: NetworkScorer) -> None:
        crops = [head().restricted(mask) for mask in EVERY_MASK] + [sheet(seed) for seed in range(40)]
        together = scorer.score(crops)
        assert together == scorer.score(crops)
        alone = [scorer.score([crop])[0] for crop in crops[:9]]
        for one, other in zip(alone, together, strict=False):
            assert one.logit == pytest.approx(other.logit, abs=1e-4)
            assert one.uncertainty == pytest.approx(other.uncertainty, abs=1e-4)
            assert one.mask == other.mask

    def test_evidence_names_only_what_is_present(self, scorer: NetworkScorer) -> None:
        evidence = scorer.score([head().restricted(ModalityMask.parse("depth+ir"))])[0]
        assert set(evidence.modality_scores) == set(evidence.residuals) == {"depth", "ir"}
        assert "rgb_luma" not in evidence.physics
        assert 0.0 <= evidence.uncertainty <= 1.0

    def test_a_mask_that_was_never_calibrated_has_no_threshold(self, scorer: NetworkScorer) -> None:
        assert scorer.threshold(ModalityMask.parse("depth+ir")) == 0.4
        assert scorer.threshold(ALL_MODALITIES) is None

    def test_the_logit_of_every_mask_comes_from_one_encoding(self, scorer: NetworkScorer) -> None:
        values = scorer.mask_logits(head())
        assert set(values) == set(EVERY_MASK)
        for mask, logit in values.items():
            assert logit == pytest.approx(scorer.score([head().restricted(mask)])[0].logit, abs=1e-4)

    def test_evidence_and_explanation_come_in_one_pass(self, scorer: NetworkScorer) -> None:
        for mask in EVERY_MASK:
            crop = head().restricted(mask)
            evidence, values = scorer.explained(crop)
            assert evidence.logit == pytest.approx(scorer.score([crop])[0].logit, abs=1e-5)
            assert values[mask] == evidence.logit
            assert set(values) == {other for other in EVERY_MASK if other & mask == other}

    def test_holes_everywhere_still_give_finite_evidence(self, scorer: NetworkScorer) -> None:
        blank = FaceCrop(depth=np.zeros((CROP_PX, CROP_PX), np.float32), ir=np.zeros((CROP_PX, CROP_PX), np.float32))
        assert 0.0 <= scorer.score([blank])[0].score <= 1.0


def test_modalities_keep_their_order() -> None:
    assert list(CHANNELS) == [Modality.RGB, Modality.DEPTH, Modality.IR]
