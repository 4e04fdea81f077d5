/* OpenMM's classes, as far as the force's interface names them. They are wrapped in OpenMM's own
   module; its types and ours meet in the table that all modules of one SWIG runtime share. */
namespace OpenMM {

class Context {
  public:
    ~Context();
};

class Force {
  public:
    virtual ~Force();
};

} // namespace OpenMM
