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

/* Every lattice vector that could bring a tip within `radius` of the origin, by its component along
 * z, then y; the best along x is then known. */
Vec3 searchShortest(const Vec3 &delta, const Vec3 box[3]) {
    Vec3 best = delta;
    double radius = std::sqrt(delta.dot(delta));
    for (double k = std::ceil((delta[2] - radius) / box[2][2]);
         k <= (delta[2] + radius) / box[2][2]; k++) {
        Vec3 layer = delta - box[2] * k;
        for (double j = std::ceil((layer[1] - radius) / box[1][1]);
             j <= (layer[1] + radius) / box[1][1]; j++) {
            Vec3 row = layer - box[1] * j;
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
    // No lattice vector is shorter than the shortest diagonal entry, so nothing can be nearer than
    // what is within half of it.
    double half = 0.5 * std::min({box[0][0], box[1][1], box[2][2]});
    bool isNearest = !(image.dot(image) >
                       half * half); // true also where a position is not a number
    return isNearest ? image : searchShortest(image, box);
}

} // namespace OpenMMScore
