#include "WholeMolecule.h"

#include <algorithm>
#include <cmath>

using OpenMM::Vec3;

namespace OpenMMScore {

namespace {

/* Brings every component into half a box edge, from the last to the first: this is the shortest
 * vector of a rectangular box and close to it in others. */
Vec3 intoBrick(Vec3 delta, const Vec3 box[3]) {
    for (int k = 2; k >= 0; k--)
        delta -= box[k] * std::round(delta[k] / box[k][k]);
    return delta;
}

/* Tries every lattice vector that could bring a tip within `radius` of the origin, by its component
 * along z, then y; the best along x is then known. */
Vec3 searchShortest(const Vec3 &delta, double radius, const Vec3 box[3]) {
    Vec3 best = delta;
    long lastLayer = std::lround(std::floor((delta[2] + radius) / box[2][2]));
    for (long k = std::lround(std::ceil((delta[2] - radius) / box[2][2])); k <= lastLayer; k++) {
        Vec3 layer = delta - box[2] * static_cast<double>(k);
        long lastRow = std::lround(std::floor((layer[1] + radius) / box[1][1]));
        for (long j = std::lround(std::ceil((layer[1] - radius) / box[1][1])); j <= lastRow; j++) {
            Vec3 row = layer - box[1] * static_cast<double>(j);
            Vec3 image = row - box[0] * std::round(row[0] / box[0][0]);
            if (image.dot(image) < best.dot(best))
                best = image;
        }
    }
    return best;
}

} // namespace

Vec3 nearestImage(const Vec3 &delta, const Vec3 box[3]) {
    Vec3 image = intoBrick(delta, box);
    double length = std::sqrt(image.dot(image));
    Vec3 diagonal(box[0][0], box[1][1], box[2][2]);
    // No lattice vector is shorter than the shortest edge of the brick, so nothing can be nearer
    // than what is within half of it.
    if (length <= 0.5 * std::min({diagonal[0], diagonal[1], diagonal[2]}))
        return image;
    // What is still outside of the brick is not a number, or so far away that its place in the box
    // is below its last digit.
    if (!(length <= 0.51 * std::sqrt(diagonal.dot(diagonal))))
        return image;
    return searchShortest(image, length, box);
}

} // namespace OpenMMScore
