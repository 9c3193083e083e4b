"""Generators and discriminators: one file for each pair, with the layers that they share in ``parts``."""

from gan_lightning.networks.base import Discriminator, Generator, Translator
from gan_lightning.networks.dcgan import (
    DCGANDiscriminator,
    DCGANGenerator,
    DeepDCGANDiscriminator,
    DeepDCGANGenerator,
)
from gan_lightning.networks.keras_dcgan import KerasDCGANDiscriminator, KerasDCGANGenerator
from gan_lightning.networks.mlp import MLPDiscriminator, MLPGenerator
from gan_lightning.networks.patchgan import PatchDiscriminator, PixelDiscriminator
from gan_lightning.networks.points import PointGenerator
from gan_lightning.networks.r3gan import R3GANDiscriminator, R3GANGenerator
from gan_lightning.networks.residual_translator import ResidualTranslator
from gan_lightning.networks.resnet import ResNetDiscriminator, ResNetGenerator
from gan_lightning.networks.sagan import SAGANDiscriminator, SAGANGenerator
from gan_lightning.networks.stylegan2 import StyleGAN2Discriminator, StyleGAN2Generator
from gan_lightning.networks.unet import UNet

__all__ = [
    "DCGANDiscriminator",
    "DCGANGenerator",
    "DeepDCGANDiscriminator",
    "DeepDCGANGenerator",
    "Discriminator",
    "Generator",
    "KerasDCGANDiscriminator",
    "KerasDCGANGenerator",
    "MLPDiscriminator",
    "MLPGenerator",
    "PatchDiscriminator",
    "PixelDiscriminator",
    "PointGenerator",
    "R3GANDiscriminator",
    "R3GANGenerator",
    "ResNetDiscriminator",
    "ResNetGenerator",
    "ResidualTranslator",
    "SAGANDiscriminator",
    "SAGANGenerator",
    "StyleGAN2Discriminator",
    "StyleGAN2Generator",
    "Translator",
    "UNet",
]
