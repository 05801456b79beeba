/* loops.c - the loops of loops.py in C, for `clang -O3 -march=native`: what compiled Python is measured against. */
#include <math.h>
#include <stdint.h>

void mandelbrot(double x0, double y0, double step, int32_t *out, int64_t h, int64_t w)
{
    for (int64_t j = 0; j < h; j++)
        for (int64_t i = 0; i < w; i++) {
            double cx = x0 + (double)i * step, cy = y0 + (double)j * step, x = 0, y = 0;
            int32_t k = 0;
            for (; k < 200; k++) {
                double t = x * x - y * y + cx;
                y = 2 * x * y + cy;
                x = t;
                if (x * x + y * y > 4)
                    break;
            }
            out[j * w + i] = k;
        }
}

double sum(const double *a, int64_t n)
{
    double s = 0;
    for (int64_t i = 0; i < n; i++)
        s += a[i];
    return s;
}

int64_t sum_int(const int64_t *a, int64_t n)
{
    int64_t s = 0;
    for (int64_t i = 0; i < n; i++)
        s += a[i];
    return s;
}

double dot(const double *a, const double *b, int64_t n)
{
    double s = 0;
    for (int64_t i = 0; i < n; i++)
        s += a[i] * b[i];
    return s;
}

void axpy(double a, const double *x, double *y, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        y[i] = a * x[i] + y[i];
}

void stencil(const double *a, double *out, int64_t h, int64_t w)
{
    for (int64_t i = 1; i < h - 1; i++)
        for (int64_t j = 1; j < w - 1; j++)
            out[i * w + j] = 0.25 * (a[(i - 1) * w + j] + a[(i + 1) * w + j] + a[i * w + j - 1] + a[i * w + j + 1]);
}

double coslog(double x, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        x = cos(log(x)) + 1.0;
    return x;
}

void nbody(const double *pos, double *acc, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double ax = 0, ay = 0, az = 0;
        for (int64_t j = 0; j < n; j++) {
            double dx = pos[3 * j] - pos[3 * i], dy = pos[3 * j + 1] - pos[3 * i + 1],
                   dz = pos[3 * j + 2] - pos[3 * i + 2];
            double r2 = dx * dx + dy * dy + dz * dz + 1e-3;
            double f = 1.0 / (r2 * sqrt(r2));
            ax += f * dx;
            ay += f * dy;
            az += f * dz;
        }
        acc[3 * i] = ax;
        acc[3 * i + 1] = ay;
        acc[3 * i + 2] = az;
    }
}

void reldiff(const double *a, const double *b, double *out, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        out[i] = 2 * (a[i] - b[i]) / (a[i] + b[i]);
}
