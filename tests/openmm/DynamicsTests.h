/* Simulations: conserved energy, Contexts in several threads, interruption. */
#ifndef SCORE_DYNAMICS_TESTS_H_
#define SCORE_DYNAMICS_TESTS_H_

#include <exception>
#include <sstream>
#include <thread>

#include "TestSystems.h"
#include "openmm/HarmonicBondForce.h"

namespace OpenMMScore {

/* Springs keep the beads of random networks together; ours are the forces that vary. */
inline void addSprings(System &system, int molecules, int beads, double stiffness) {
    auto *springs = new OpenMM::HarmonicBondForce();
    for (int m = 0; m < molecules; m++)
        for (int i = 0; i < beads; i++)
            for (int j = 0; j < i; j++) {
                Vec3 bond = chainPosition(i) - chainPosition(j);
                springs->addBond(m * beads + i, m * beads + j, std::sqrt(bond.dot(bond)),
                                 stiffness);
            }
    system.addForce(springs);
}

inline vector<Vec3> run(const System &system, const vector<Vec3> &positions, int steps) {
    Simulation simulation(system, positions);
    simulation.context.setVelocitiesToTemperature(300, 11);
    simulation.integrator.step(steps);
    return simulation.state().getPositions();
}

/* The CPU platform may sum the springs in any order, and rounding grows no faster than with the
 * number of steps squared over so short a time; on the Reference platform nothing differs. */
inline double dynamicsTolerance(int steps, double length) {
    bool isDouble = testPlatform().precision != SCORE_SINGLE_PRECISION;
    return isDouble ? 0 : testPlatform().epsilon * steps * steps * length;
}

/* Two Contexts at once, each in a thread of its own, do what each does alone. */
inline void testTwoContextsInTwoThreads() {
    System systems[2];
    vector<Vec3> expected[2], found[2], positions = chainPositions(3, 5);
    std::exception_ptr failures[2];
    std::vector<std::thread> threads;
    threads.reserve(2);
    for (int i = 0; i < 2; i++) {
        addChains(systems[i], chainModel(5, static_cast<unsigned>(i + 1)), 3);
        addSprings(systems[i], 3, 5, 1000);
        expected[i] = run(systems[i], positions, 100);
    }
    for (int i = 0; i < 2; i++)
        threads.emplace_back([&, i] {
            try {
                found[i] = run(systems[i], positions, 100);
            } catch (...) {
                failures[i] = std::current_exception();
            }
        });
    for (std::thread &thread : threads)
        thread.join();
    for (int i = 0; i < 2; i++) {
        if (failures[i])
            std::rethrow_exception(failures[i]);
        CHECK_ALL_NEAR(expected[i], found[i], dynamicsTolerance(100, largest(positions)));
    }
    CHECK(expected[0][0] != expected[1][0]);
}

/* Interrupted by a checkpoint or a State, a simulation goes on as if it had not been. */
inline void testCheckpointAndState() {
    System system;
    addChains(system, chainModel(5), 2);
    addSprings(system, 2, 5, 1000);
    vector<Vec3> positions = chainPositions(2, 5);
    Simulation simulation(system, positions);
    simulation.context.setVelocitiesToTemperature(300, 12);
    simulation.context.setParameter("ScoreForceScale", 0.4);
    simulation.integrator.step(20);
    std::stringstream checkpoint;
    simulation.context.createCheckpoint(checkpoint);
    State state = simulation.context.getState(State::Positions | State::Velocities |
                                              State::Parameters);
    simulation.integrator.step(30);
    vector<Vec3> expected = simulation.state().getPositions();

    for (bool useCheckpoint : {true, false}) {
        Simulation other(system, positions);
        if (useCheckpoint)
            other.context.loadCheckpoint(checkpoint);
        else
            other.context.setState(state);
        CHECK(other.context.getParameter("ScoreForceScale") == 0.4);
        other.integrator.step(30);
        CHECK_ALL_NEAR(expected, other.state().getPositions(),
                       dynamicsTolerance(30, largest(positions)));
    }
}

/* The shadow Hamiltonian of velocity Verlet (Hairer, Lubich and Wanner, Geometric Numerical
 * Integration, IX.3): H + h^2 (v.V''v / 12 - F.M^-1 F / 24) is conserved up to terms of order h^4,
 * and not only near the start. Leapfrog's velocities are half a step behind. */
struct Energies {
    double total;      /* H at full steps, kJ/mol */
    double correction; /* the term in h^2 */
    double kinetic;
};

inline Energies shadowEnergies(Simulation &simulation, Simulation &probe, const System &system) {
    State state = simulation.state();
    double h = simulation.integrator.getStepSize(), curvature = 0, forceSquared = 0, kinetic = 0;
    vector<Vec3> velocities = state.getVelocities(), above = state.getPositions(), below = above;
    const double displacement = 1e-4; // ps, along the velocity
    for (size_t i = 0; i < velocities.size(); i++) {
        double mass = system.getParticleMass(static_cast<int>(i));
        const Vec3 &force = state.getForces()[i];
        velocities[i] += force * (h / (2 * mass));
        kinetic += 0.5 * mass * velocities[i].dot(velocities[i]);
        forceSquared += force.dot(force) / mass;
        above[i] += velocities[i] * displacement;
        below[i] -= velocities[i] * displacement;
    }
    probe.context.setPositions(above);
    vector<Vec3> forcesAbove = probe.state().getForces();
    probe.context.setPositions(below);
    vector<Vec3> forcesBelow = probe.state().getForces();
    for (size_t i = 0; i < velocities.size(); i++)
        curvature -= velocities[i].dot(forcesAbove[i] - forcesBelow[i]) / (2 * displacement);
    return {state.getPotentialEnergy() + kinetic, h * h * (curvature / 12 - forceSquared / 24),
            kinetic};
}

/* What remains has three parts. Terms of order h^4 are smaller than the h^2 term by (omega h)^2,
 * with omega the highest frequency, and are taken ten times. Each step rounds positions, velocities
 * and forces; the rounding of a force, epsilon |F|, does random work along v h. And the energy that
 * is compared has been rounded itself. */
inline void testEnergyIsConserved() {
    const int molecules = 2, beads = 5, samples = 1000, stepsPerSample = 100;
    const double step = 0.002, stiffness = 4000;
    ScoreModel model = chainModel(beads);
    System system;
    addChains(system, model, molecules);
    addSprings(system, molecules, beads, stiffness);
    vector<Vec3> positions = chainPositions(molecules, beads);
    Simulation simulation(system, positions, step), probe(system, positions);
    simulation.context.setVelocitiesToTemperature(300, 13);

    Energies first = shadowEnergies(simulation, probe, system);
    double mostShadow = 0, mostPlain = 0, mostCorrection = 0, mostForce = 0, mostSpeed = 0;
    for (int i = 0; i < samples; i++) {
        simulation.integrator.step(stepsPerSample);
        Energies now = shadowEnergies(simulation, probe, system);
        State state = simulation.state();
        mostForce = std::max(mostForce, largest(state.getForces()));
        mostSpeed = std::max(mostSpeed, largest(state.getVelocities()));
        mostCorrection = std::max(mostCorrection, std::abs(now.correction));
        double plain = std::abs(now.total - first.total);
        double shadow = std::abs(now.total + now.correction - first.total - first.correction);
        CHECK(std::isfinite(plain) && std::isfinite(shadow));
        mostPlain = std::max(mostPlain, plain);
        mostShadow = std::max(mostShadow, shadow);
    }
    // Each bead has beads - 1 springs; all pulling at the lightest one.
    double omegaSquared = 2 * (beads - 1) * stiffness / 12.0;
    double coordinates = 3.0 * molecules * beads;
    double work = std::sqrt(samples * stepsPerSample * coordinates) * testPlatform().epsilon *
                  mostForce * mostSpeed * step;
    double rounding = groupingTolerance() * first.kinetic;
    double bound = 10 * omegaSquared * step * step * mostCorrection + work + rounding;
    std::printf("energy over %d steps: |H - H0| <= %.3g, shadow <= %.3g, bound %.3g kJ/mol\n",
                samples * stepsPerSample, mostPlain, mostShadow, bound);
    CHECK(mostShadow <= bound);
    CHECK(bound < first.kinetic); // or it would say nothing
}

} // namespace OpenMMScore

#endif
