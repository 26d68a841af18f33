"""The replay pool: new images first, then a mix, masks kept with their images."""

import torch

from echogan.training.replay_pool import ReplayPool


def numbered(*values: float) -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    return images, -images


def test_until_it_is_full_new_images_pass():
    pool = ReplayPool(4)
    images, masks = pool.exchange(*numbered(1, 2, 3), torch.Generator())
    assert torch.equal(images, numbered(1, 2, 3)[0])
    assert torch.equal(masks, -images)


def test_then_about_half_are_older_and_none_is_lost():
    pool, generator = ReplayPool(10), torch.Generator().manual_seed(0)
    given: list[float] = []
    older = 0
    for start in range(1, 401, 4):
        new = [float(start + k) for k in range(4)]
        images, masks = pool.exchange(*numbered(*new), generator)
        assert torch.equal(masks, -images)
        values = images[:, 0, 0, 0].tolist()
        older += sum(value not in new for value in values)
        given += values
    assert pool.kept is not None
    assert len(pool.kept) == 10
    assert 140 < older < 240
    # The first ten were given and kept; each later image was given, or is kept and to be given once.
    assert set(given) | set(pool.kept[:, 0, 0, 0].tolist()) == set(map(float, range(1, 401)))


def test_a_pool_of_none_passes_all():
    images, masks = ReplayPool(0).exchange(*numbered(5, 6), torch.Generator())
    assert images[:, 0, 0, 0].tolist() == [5, 6]
    assert masks[:, 0, 0, 0].tolist() == [-5, -6]
